// What the README tells newcomers to run first.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { until } from '../support/wait.ts'

const DEMO = fileURLToPath(new URL('../../dist/apps/demo/main.js', import.meta.url))
/** A download that stands still has failed; one that is slow has not, and the machine may be busy with other things. */
const STILL_MS = 30_000
const TOTAL_MS = 300_000

test(
  'the demo loses a seeder, drops the one that lies, and ends with identical content',
  { timeout: TOTAL_MS + 30_000 },
  async (context) => {
    const stage = openStage(context)
    const lines: string[] = []
    const errors: string[] = []
    const progress = { share: '', movedAt: 0 }
    const onLine = (line: string, stream: string): void => {
      ;(stream === 'stdout' ? lines : errors).push(line)
      const share = /^Downloading .*: ([\d.]+ %)/.exec(line)?.[1] ?? progress.share
      if (stream === 'stdout' || share !== progress.share) progress.movedAt = performance.now()
      progress.share = share
    }
    const state = stage.folder('state')
    const demo = stage.start('demo', [process.execPath, DEMO], {
      onLine,
      cwd: stage.root,
      env: { XDG_STATE_HOME: state },
    })
    const isStill = (): boolean => progress.share !== '' && performance.now() - progress.movedAt > STILL_MS
    await until('the demo ends', () => !demo.alive || isStill(), TOTAL_MS)
    if (demo.alive)
      throw new Error(`Still at ${progress.share} after ${STILL_MS / 1000} s:\n${errors.slice(-20).join('\n')}`)
    expect(await demo.exited).toMatchObject({ code: 0 })
    const said = lines.join('\n')
    expect(said).toMatch(/^Killed {4}seeder 2 .*; the others went on$/m)
    expect(said).toMatch(/^Dropped {3}seeder 5 .*; it sent corrupt data for \d+ pieces?$/m)
    expect(lines.at(-1)).toBe('identical')
  },
)
