// A seeder in a process of its own, and what the demo knows of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const IP = '127.0.0.1'

export class SeederProcess {
  /** From 1. */
  readonly number: number
  readonly #child: ChildProcess
  #port = 0

  private constructor(number: number, child: ChildProcess) {
    this.number = number
    this.#child = child
  }

  /**
   * Runs a program of ours and waits for its `seeding` event on stdout. Rejects when it ends before.
   * @param onStart receives the seeder as soon as its process exists, so that somebody can end it
   */
  static async start(
    number: number,
    program: string,
    args: readonly string[],
    onStart: (seeder: SeederProcess) => void,
  ): Promise<SeederProcess> {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const seeder = new SeederProcess(number, child)
    onStart(seeder)
    seeder.#port = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`Seeder ${number} ended with ${code} before it could seed`)))
      // Read to the end of its days: a program whose pipe is full stands still.
      createInterface(child.stdout!).on('line', (line) => {
        const event = JSON.parse(line) as { readonly event: string; readonly port?: number }
        if (event.event === 'seeding') resolve(event.port!)
      })
    })
    return seeder
  }

  get pid(): number {
    return this.#child.pid!
  }

  get address(): string {
    return `${IP}:${this.#port}`
  }

  /** `seeder 2 (127.0.0.1:40123, process 4711)` */
  get label(): string {
    return `seeder ${this.number} (${this.address}, process ${this.pid})`
  }

  /** At once, without a farewell. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
