// File systems that a test may mount, fill, take away and bring back: in a mount namespace of its own, which needs no rights.
// (Linux, with unprivileged user namespaces or as root.)
import type { Stage } from './stage.ts'

export class MountSpace {
  /** What to put before a command, so that it sees the mounts. Paths must be absolute. */
  readonly enter: readonly string[]
  readonly #stage: Stage

  private constructor(stage: Stage, pid: number) {
    this.#stage = stage
    this.enter = ['nsenter', '-t', String(pid), '-U', '-m', '--preserve-credentials', '--']
  }

  static async open(stage: Stage): Promise<MountSpace> {
    const holder = stage.start('mount space', ['unshare', '-rm', 'sh', '-c', 'echo ready; exec cat'])
    await holder.line(/^ready$/)
    return new MountSpace(stage, holder.pid)
  }

  /** Runs a command within, and fails when it does. */
  async run(...argv: readonly string[]): Promise<void> {
    const program = this.#stage.start(argv[0], [...this.enter, ...argv])
    const { code } = await program.exited
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}\n${program.log}`)
  }

  /** A file system in memory. */
  async mountMemory(folder: string, mib: number): Promise<void> {
    await this.run('mount', '-t', 'tmpfs', '-o', `size=${mib}m`, 'none', folder)
  }

  async resizeMemory(folder: string, mib: number): Promise<void> {
    await this.run('mount', '-o', `remount,size=${mib}m`, folder)
  }
}
