// shoal piece: fetches one piece, verified, into a file.
import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { openLogSink } from '../log-sink.ts'
import { resolvePeer } from '../options/peer-option.ts'
import { type SessionFlags, addSessionOptions, toSessionOptions } from '../options/session-options.ts'
import { parseCount } from '../options/values.ts'
import { readTorrent } from '../torrent-input.ts'
import { printable } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'

interface PieceFlags extends SessionFlags {
  readonly output: string
  readonly quiet?: boolean
}

export const piece: CommandModule = { jsonFailure: 'none', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .argument('<index>', 'number of the piece, from 0', parseCount)
    .requiredOption('-o, --output <file>', 'file to write')
    .option('--quiet', 'write nothing but errors')
  addSessionOptions(command)
  command.addHelpText(
    'after',
    `
Example:
  shoal piece debian.torrent 0 -o first.bin --peer 192.168.1.2:6881`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<PieceFlags>()
  const { stop, stderr, clock } = context
  const [source] = command.args
  const index = command.processedArgs[1] as number
  const note = (text: string): void => {
    if (flags.quiet !== true) stderr.write(`${printable(text)}\n`)
  }
  const engine = await context.loadEngine()
  const metainfo = engine.parseTorrent(await readTorrent(source, engine, context, flags.bind))
  const pieces = Math.ceil(metainfo.totalSize / metainfo.pieceLength)
  if (index >= pieces) throw usageError(`There is no piece ${index}; this torrent has ${pieces}, counted from 0`)
  const log = await openLogSink({
    level: flags.logLevel ?? (flags.quiet === true ? 'error' : 'warn'),
    file: flags.logFile,
    toStderr: (line) => stderr.write(`${printable(line)}\n`),
    wall: () => clock.wall(),
  })
  try {
    const resolving = Promise.all((flags.peer ?? []).map((peer) => resolvePeer(peer, flags.bind, context)))
    const peers = (await stop.orInterrupted(resolving)).flat()
    const hasDht = flags.dht !== false && !metainfo.isPrivate
    if (peers.length === 0 && metainfo.trackers.length === 0 && !hasDht) {
      note('No trackers in this torrent, no DHT for it, and no --peer given: waiting for peers to connect')
    }
    const options = { ...toSessionOptions(flags, log.write), peers, signal: stop.signal }
    await stop.afterWork(engine.fetchPiece(metainfo, index, flags.output, options))
    note(`Wrote piece ${index}, verified, to ${flags.output}`)
  } finally {
    await log.close()
  }
  return 0
}
