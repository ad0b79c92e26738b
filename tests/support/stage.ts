// The stage of one end-to-end test: its folder, the programs and servers it started, and their end.
// Whatever the test's outcome, nothing that it started outlives it; when it failed, what the programs wrote is shown.
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { Program, type ProgramOptions } from './program.ts'
import type { TestTorrent } from './payload.ts'
import { pause } from './wait.ts'

const CLEAN_UP_MS = 10_000
const ROOM_NEEDED = 6 * 2 ** 30

/** In memory where there is enough of it: the tests move gigabytes. */
function scratchRoot(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > ROOM_NEEDED ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}

export class Stage {
  readonly root = mkdtempSync(join(scratchRoot(), 'shoal-test-'))
  readonly #programs: Program[] = []
  readonly #cleanUps: (() => unknown)[] = []
  #names = 0

  /** A new empty folder of this test. */
  folder(name: string): string {
    const path = join(this.root, `${String(this.#names++).padStart(2, '0')}-${name}`)
    mkdirSync(path, { recursive: true })
    return path
  }

  /** Writes a file into a new folder of this test and returns its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.folder('file'), name)
    writeFileSync(path, content)
    return path
  }

  torrentFile(torrent: TestTorrent, trackers?: readonly string[]): string {
    return this.file('test.torrent', torrent.file(trackers))
  }

  start(name: string, argv: readonly string[], options?: ProgramOptions): Program {
    const program = new Program(name, argv, options)
    this.#programs.push(program)
    return program
  }

  /** Runs at the test's end, last one first. */
  onEnd(cleanUp: () => unknown): void {
    this.#cleanUps.push(cleanUp)
  }

  async end(failed: boolean): Promise<void> {
    if (failed) for (const program of this.#programs) process.stderr.write(program.log)
    await Promise.all(this.#programs.map((program) => program.stop()))
    // What is tested may hang; its folder goes all the same.
    for (const cleanUp of this.#cleanUps.reverse()) await Promise.race([cleanUp(), pause(CLEAN_UP_MS)])
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The stage of the running test: `test('...', async (context) => { const stage = openStage(context) ... })`. */
export function openStage({ task, onTestFinished }: TestContext): Stage {
  const stage = new Stage()
  onTestFinished(() => stage.end(task.result?.state === 'fail'), 30_000)
  return stage
}
