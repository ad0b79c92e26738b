// shoal tracker: runs the embedded HTTP tracker until it is stopped.
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import type { LogLevel } from '../../../index.ts'
import { openLogSink } from '../log-sink.ts'
import { parseBind, parseLogLevel, parsePort } from '../options/values.ts'
import { printable } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'

const DEFAULT_PORT = 6969

interface TrackerFlags {
  readonly port: number
  readonly bind?: string
  readonly logLevel: LogLevel
  readonly logFile?: string
}

export const tracker: CommandModule = { jsonFailure: 'none', define, run }

function define(command: Command): void {
  command
    .option('--port <n>', 'port to listen on; 0 is any free one', parsePort, DEFAULT_PORT)
    .option('--bind <address>', 'local address to listen on (default: all)', parseBind)
    .option('--log-level <level>', 'error, warn, info or debug', parseLogLevel, 'warn')
    .option('--log-file <file>', 'append the log to a file rather than to stderr')
    .addHelpText(
      'after',
      `
The announce URL is written on stdout. Peers are kept in memory alone.

Example:
  shoal tracker --port 6969`,
    )
}

async function run(command: Command, context: Context): Promise<number> {
  const { port, bind, logLevel, logFile } = command.opts<TrackerFlags>()
  const { startTracker } = await import('../../../tracker-server/index.ts')
  const { stop, stderr, stdout, clock } = context
  const log = await openLogSink({
    level: logLevel,
    file: logFile,
    toStderr: (line) => stderr.write(`${printable(line)}\n`),
    wall: () => clock.wall(),
  })
  try {
    const server = await startTracker({ ip: bind, port, log: log.write })
    stdout.write(`${server.url}\n`)
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
