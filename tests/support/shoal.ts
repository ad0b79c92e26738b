// The built command, run as its users run it. Tests drive it through its arguments, its signals and its `--json` lines.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Exit, Program } from './program.ts'
import type { Stage } from './stage.ts'

const ENTRY = fileURLToPath(new URL('../../dist/apps/cli/main.js', import.meta.url))

export interface ShoalEvent {
  readonly event: string
  readonly time: number
  readonly [key: string]: unknown
}

export class Shoal {
  readonly program: Program
  /** What it said with `--json`, in order. */
  readonly events: readonly ShoalEvent[]

  constructor(program: Program, events: readonly ShoalEvent[]) {
    this.program = program
    this.events = events
  }

  get exited(): Promise<Exit> {
    return this.program.exited
  }

  /** Waits for an event, past ones included. */
  event(name: string, matches: (event: ShoalEvent) => boolean = () => true, timeoutMs?: number): Promise<ShoalEvent> {
    const find = (): ShoalEvent | undefined => this.events.find((event) => event.event === name && matches(event))
    return this.program.until(`event "${name}"`, find, timeoutMs)
  }

  all(name: string): ShoalEvent[] {
    return this.events.filter(({ event }) => event === name)
  }

  /** `127.0.0.1:port` of its listener there. */
  async address(): Promise<string> {
    const { port } = await this.event('listening')
    return `127.0.0.1:${String(port)}`
  }

  /** Addresses of the peers that it dropped for what they did, each once, sorted. */
  dropped(): string[] {
    return [...new Set(this.all('peer_dropped').map(({ address }) => String(address)))].sort()
  }

  /** Waits for a download to end well. */
  async finished(timeoutMs = 120_000): Promise<void> {
    await this.event('done', undefined, timeoutMs)
    const { code } = await this.program.until('ends', () => (this.program.alive ? null : this.exited), timeoutMs)
    if (code !== 0) throw new Error(`shoal ended with ${code}\n${this.program.log}`)
  }
}

/**
 * Starts the command; `args` should contain `--json` where events are wanted. What it remembers lies in a folder of its own,
 * unless `--state` is among the arguments.
 * @param before a command that runs it, in other circumstances
 */
export function startShoal(
  stage: Stage,
  args: readonly string[],
  moreEnv: Readonly<Record<string, string>> = {},
  before: readonly string[] = [],
): Shoal {
  if (!existsSync(ENTRY)) throw new Error(`Cannot test the command: ${ENTRY} is missing; run \`npm run build\``)
  const events: ShoalEvent[] = []
  const onLine = (line: string, stream: 'stdout' | 'stderr'): void => {
    if (stream === 'stdout' && args.includes('--json')) events.push(JSON.parse(line) as ShoalEvent)
  }
  const env = { XDG_STATE_HOME: stage.folder('state'), ...moreEnv }
  const argv = [...before, process.execPath, ENTRY, ...amongOurselves(args)]
  return new Shoal(stage.start(`shoal ${args[0]}`, argv, { onLine, env, cwd: stage.root }), events)
}

/** `shoal download` of a torrent file into `folder`, on loopback and any free port, with events. */
export function download(stage: Stage, torrent: string, folder: string, ...more: readonly string[]): Shoal {
  return startShoal(stage, ['download', torrent, '-o', folder, ...LOOPBACK, ...more])
}

/** `shoal seed` of content below `folder`. */
export function seed(stage: Stage, torrent: string, folder: string, ...more: readonly string[]): Shoal {
  return startShoal(stage, ['seed', torrent, folder, ...LOOPBACK, ...more])
}

/** Arguments that name peers to dial. */
export function peers(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => ['--peer', address])
}

/** Runs a command that ends by itself. */
export async function runShoal(
  stage: Stage,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  if (!existsSync(ENTRY)) throw new Error(`Cannot test the command: ${ENTRY} is missing; run \`npm run build\``)
  const text = { stdout: '', stderr: '' }
  const program = stage.start(`shoal ${args[0]}`, [process.execPath, ENTRY, ...amongOurselves(args)], {
    cwd: stage.root,
    env: { XDG_STATE_HOME: stage.folder('state') },
    onLine: (line, stream) => {
      text[stream] += `${line}\n`
    },
  })
  const { code } = await program.exited
  return { code, ...text }
}

/** Tests of the same content run side by side, and must not find each other. */
/** No test enters the DHT of the internet: one that wants a DHT says where. */
function amongOurselves(args: readonly string[]): readonly string[] {
  if (args.includes('--no-dht') || args.includes('--dht-router')) return args
  if (args[0] === 'dht') throw new Error('Cannot test `shoal dht` without a --dht-router of our own')
  return ['download', 'seed', 'share', 'piece'].includes(args[0]) ? [...args, '--no-dht'] : args
}

export const LOOPBACK = ['--bind', '127.0.0.1', '--port', '0', '--no-lsd', '--json']
