// One program under a test's control: started, listened to line by line, and stopped by its own process id.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'

export interface ProgramOptions {
  readonly cwd?: string
  /** Added to the test's own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Sees each line as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

export interface Exit {
  /** What a shell would report: the exit code, or 128 + the signal's number. */
  readonly code: number
  readonly signal: NodeJS.Signals | null
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15, SIGABRT: 6 }
const LOG_LINES = 400
const running = new Set<Program>()

// A test run that is interrupted leaves nobody behind.
process.on('exit', () => {
  for (const program of running) program.signal('SIGKILL')
})

export class Program {
  readonly name: string
  /** Settles when the program is gone and all it wrote has been read. */
  readonly exited: Promise<Exit>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #log: string[] = []
  readonly #watchers = new Set<() => void>()
  #exit: Exit | null = null

  constructor(name: string, argv: readonly string[], options: ProgramOptions = {}) {
    this.name = name
    const child = spawn(argv[0], argv.slice(1), {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8', TERM: 'dumb', ...options.env },
      stdio: 'pipe',
    })
    this.#child = child
    running.add(this)
    // Whoever does not read its input must not bring down the test.
    child.stdin.on('error', () => {})
    for (const stream of ['stdout', 'stderr'] as const) this.#readLines(stream, options.onLine)
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        if (this.#exit) return
        this.#exit = exit
        running.delete(this)
        this.#wake()
        resolve(exit)
      }
      child.on('error', (error) => {
        this.#note(`(cannot start ${argv[0]}: ${error.message})`)
        end({ code: 127, signal: null })
      })
      child.on('exit', () => {
        // A child of its own that holds the pipes must not hold the test.
        setTimeout(() => {
          child.stdout.destroy()
          child.stderr.destroy()
        }, 2000).unref()
      })
      child.on('close', (code, signal) => end({ code: code ?? 128 + (SIGNAL_NUMBERS[signal!] ?? 0), signal }))
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get alive(): boolean {
    return this.#exit === null
  }

  /** The last lines that it wrote, for the report of a failed test. */
  get log(): string {
    return `--- ${this.name}${this.#exit ? ` (exit ${this.#exit.code})` : ''}\n${this.#log.join('\n')}\n`
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  closeInput(): void {
    this.#child.stdin.end()
  }

  signal(signal: NodeJS.Signals): void {
    if (this.alive) this.#child.kill(signal)
  }

  /** Looks at `condition` whenever the program writes a line; fails when it ends, or the time is over, before that. */
  until<Value>(what: string, condition: () => Value, timeoutMs = 30_000): Promise<NonNullable<Value>> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        settle()
      }
      const fail = (why: string): void => finish(() => reject(new Error(`${this.name}: ${what}: ${why}\n${this.log}`)))
      const look = (): void => {
        const value = condition()
        if (value !== undefined && value !== null && value !== false) finish(() => resolve(value))
        else if (!this.alive) fail('it ended before that')
      }
      const timer = setTimeout(() => fail(`did not happen within ${timeoutMs} ms`), timeoutMs)
      this.#watchers.add(look)
      look()
    })
  }

  /** Waits for a line that matches, among those written from now on and the last ones before. */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    return this.until(String(pattern), () => this.#match(pattern), timeoutMs)
  }

  /** Asks it to end, and after `graceMs` no longer asks. */
  async stop(graceMs = 5000): Promise<Exit> {
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    for (const line of this.#log) {
      const match = pattern.exec(line)
      if (match) return match
    }
    return null
  }

  #readLines(stream: 'stdout' | 'stderr', onLine: ProgramOptions['onLine']): void {
    let rest = ''
    const take = (line: string): void => {
      this.#note(line)
      onLine?.(line, stream)
    }
    this.#child[stream].setEncoding('utf8')
    this.#child[stream].on('data', (text: string) => {
      const lines = (rest + text).split(/\r?\n/)
      rest = lines.pop()!
      for (const line of lines) take(line)
      if (lines.length > 0) this.#wake()
    })
    this.#child[stream].on('end', () => {
      if (rest !== '') take(rest)
    })
  }

  #note(line: string): void {
    this.#log.push(line)
    if (this.#log.length > LOG_LINES) this.#log.shift()
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
