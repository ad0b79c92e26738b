// shoal tracker: runs the embedded tracker until it is stopped.
import { InvalidArgumentError, type Command } from 'commander'
import type { Context } from '../context.ts'
import type { LogLevel } from '../../../index.ts'
import { openLogSink } from '../log-sink.ts'
import { parseBind, parseLogLevel, parsePort, parsePositive } from '../options/values.ts'
import { printable } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'

const DEFAULT_PORT = 6969

interface TrackerFlags {
  readonly port: number
  readonly bind?: string
  readonly allow?: string
  readonly interval: number
  readonly udp: boolean
  readonly behindProxy?: boolean
  readonly logLevel: LogLevel
  readonly logFile?: string
}

export const tracker: CommandModule = { jsonFailure: 'none', define, run }

function define(command: Command): void {
  command
    .option('--port <n>', 'port for HTTP and UDP; 0 is any free one', parsePort, DEFAULT_PORT)
    .option('--bind <address>', 'local address to listen on (default: all)', parseBind)
    .option(
      '--allow <file>',
      'serve only torrents whose infohashes are in this file, one a line; it may be changed any time',
    )
    .option('--interval <seconds>', 'time between announces while there are few peers', parseInterval, 120)
    .option('--no-udp', 'HTTP only')
    .option(
      '--behind-proxy',
      'believe the last X-Forwarded-For: only where all HTTP requests come from a proxy of your own',
    )
    .option('--log-level <level>', 'error, warn, info or debug', parseLogLevel, 'warn')
    .option('--log-file <file>', 'append the log to a file rather than to stderr')
    .addHelpText(
      'after',
      `
The announce URLs, HTTP and UDP, are written on stdout. Peers are kept in memory alone. Statistics: /stats and
/stats.json on the same port.

Example:
  shoal tracker --port 6969`,
    )
}

function parseInterval(text: string): number {
  const seconds = parsePositive(text)
  if (seconds > 86_400) throw new InvalidArgumentError('Give 86400 seconds (a day) or less.')
  return seconds
}

async function run(command: Command, context: Context): Promise<number> {
  const { port, bind, allow, interval, udp, behindProxy, logLevel, logFile } = command.opts<TrackerFlags>()
  const { startTracker } = await import('../../../tracker-server/index.ts')
  const { stop, stderr, stdout, clock } = context
  const log = await openLogSink({
    level: logLevel,
    file: logFile,
    toStderr: (line) => stderr.write(`${printable(line)}\n`),
    wall: () => clock.wall(),
  })
  try {
    const server = await startTracker({
      ip: bind,
      port,
      udp,
      allowFile: allow,
      intervalSeconds: interval,
      isBehindProxy: behindProxy,
      log: log.write,
    })
    stdout.write(`${server.url}\n`)
    if (server.udpUrl !== null) stdout.write(`${server.udpUrl}\n`)
    stderr.write('Tracker is running (Ctrl+C to stop)\n')
    stop.isNormal = true
    try {
      await stop.orInterrupted(new Promise<never>(() => {}))
    } finally {
      await server.close()
    }
  } finally {
    await log.close()
  }
  return 0
}
