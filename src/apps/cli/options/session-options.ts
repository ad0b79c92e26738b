// The options that every command which meets peers shares.
import type { Command } from 'commander'
import type { CreateSessionOptions, LogLevel, LogRecord } from '../../../index.ts'
import { hostAndPort, parsePeer, type PeerOption } from './peer-option.ts'
import {
  parseBinding,
  parseBytes,
  parseCount,
  parseLogLevel,
  parseMemory,
  parsePort,
  parsePositive,
  repeated,
} from './values.ts'

export interface SessionFlags {
  readonly port?: number
  readonly bind?: string
  readonly peer?: readonly PeerOption[]
  readonly maxPeers?: number
  readonly downRate?: number
  readonly upRate?: number
  /** False: peers are not told of each other. */
  readonly pex?: boolean
  /** False: nobody is looked for on the local network. */
  readonly lsd?: boolean
  /** False: nobody is looked for in the DHT. */
  readonly dht?: boolean
  readonly dhtRouter?: readonly PeerOption[]
  readonly workers?: number
  readonly memory?: number
  readonly logLevel?: LogLevel
  readonly logFile?: string
  /** False: nowhere. */
  readonly state?: string | false
  readonly recheck?: boolean
}

export function addSessionOptions(command: Command): void {
  command
    .optionsGroup('Network:')
    .option('--port <n>', 'port to listen on; 0 is any free one (default: 6881 or the next free one)', parsePort)
    .option(
      '--bind <address>',
      'IP or interface of this machine that everything leaves from, name lookups too (default: all)',
      parseBinding,
    )
    .option('--peer <host:port>', 'a peer to dial besides those of the trackers; may be repeated', repeated(parsePeer))
    .option('--max-peers <n>', 'most connected peers (default: 200)', parsePositive)
    .option(
      '--down-rate <rate>',
      'most to receive, in bytes per second; K = 1024, M = 1024K; 0 is no limit',
      parseBytes,
    )
    .option('--up-rate <rate>', 'most to send, likewise', parseBytes)
    .option('--no-pex', 'do not exchange addresses of peers with other peers')
    .option('--no-lsd', 'do not look for peers on the local network')
    .option('--no-dht', 'do not look for peers in the DHT, and take no part in it')
  addRouterOption(command)
  addMachineOptions(command)
}

export function addRouterOption(command: Command): void {
  command.option(
    '--dht-router <host:port>',
    'where to enter the DHT when no node is remembered; may be repeated (default: three well-known ones)',
    repeated(parsePeer),
  )
}

/** For commands that work on the torrent's own files. */
export function addStateOptions(command: Command): void {
  command
    .option('--state <dir>', "folder to remember what is verified in (default: the system's for programs' state)")
    .option('--no-state', 'remember nothing: what is on disk is verified at each start')
}

/** For commands that look at content before they go on with it. */
export function addRecheckOption(command: Command): void {
  command.option('--recheck', 'verify all data on disk now, whatever is remembered of it')
}

export function addMachineOptions(command: Command): void {
  command.optionsGroup('Machine:')
  addWorkersOption(command)
  command
    .option('--memory <size>', 'most for content on its way in and out, such as 64M or 1G (default: 128M)', parseMemory)
    .option('--log-level <level>', 'error, warn, info or debug (default: warn)', parseLogLevel)
    .option('--log-file <file>', 'append the log to a file rather than to stderr')
}

export function addWorkersOption(command: Command): void {
  command.option('--workers <n>', 'threads for hashing and disk; 0 uses the main thread', parseCount)
}

export function toSessionOptions(flags: SessionFlags, log: (record: LogRecord) => void): CreateSessionOptions {
  const { port, bind, maxPeers, downRate, upRate, pex, lsd, dht, workers, memory } = flags
  const dhtRouters = flags.dhtRouter?.map(hostAndPort)
  const ways = { usePex: pex, useLsd: lsd, useDht: dht, dhtRouters }
  return { port, bind, maxPeers, downRate, upRate, ...ways, workers, memory, log }
}
