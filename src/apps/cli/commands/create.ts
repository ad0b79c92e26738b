// shoal create: makes a torrent of a file or folder.
import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import type { Metainfo } from '../../../index.ts'
import type { Engine } from '../engine.ts'
import { addWorkersOption } from '../options/session-options.ts'
import { parsePieceLength, parseTrackerTier, parseWebSeed, repeated } from '../options/values.ts'
import { toHex } from '../../../base/bytes.ts'
import { formatBytes, formatCount } from '../../../base/format.ts'
import { formatRound } from '../view/format.ts'
import { printable } from '../view/printable.ts'
import { WorkProgress } from '../view/work-progress.ts'
import { programName } from '../version.ts'
import { checkOutput, writeTorrent } from '../write-torrent.ts'
import type { CommandModule } from './command-module.ts'

interface CreateFlags {
  readonly output?: string
  readonly tracker?: string[][]
  readonly pieceLength?: number
  readonly private?: boolean
  readonly webSeed?: string[]
  readonly comment?: string
  readonly source?: string
  readonly force?: boolean
  readonly quiet?: boolean
  readonly workers?: number
}

export const create: CommandModule = { jsonFailure: 'none', define, run }

function define(command: Command): void {
  command
    .argument('<path>', 'the file or folder to share')
    .option('-o, --output <file>', 'torrent to write (default: ./<name>.torrent)')
    .option(
      '--tracker <url>',
      'a tracker, or several of one tier (URL,URL); repeat for more tiers',
      repeated(parseTrackerTier),
    )
    .option('--piece-length <n>', 'bytes of a piece, such as 256K or 1M (default: by size)', parsePieceLength)
    .option('--private', 'peers come from the trackers alone')
    .option('--web-seed <url>', 'where the content is on the web; may be repeated', repeated(parseWebSeed))
    .option('--comment <text>', 'a remark for whoever reads the torrent')
    .option('--source <text>', 'a mark that makes the infohash differ, as some trackers want')
    .option('--force', 'overwrite the torrent if it is there')
    .option('--quiet', 'show no progress')
  addWorkersOption(command)
  command.addHelpText(
    'after',
    `
The infohash and a magnet link are written on stdout.

Example:
  shoal create ~/Music/album --tracker http://tracker.example/announce`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<CreateFlags>()
  const [path] = command.args
  const name = basename(resolve(path))
  const output = flags.output ?? `${name}.torrent`
  const force = flags.force === true
  await checkOutput(output, force)

  const engine = await context.loadEngine()
  const progress = new WorkProgress(`Hashing ${printable(name)}`, flags, context)
  const creating = engine.createTorrent(path, {
    trackers: flags.tracker,
    pieceLength: flags.pieceLength,
    isPrivate: flags.private,
    webSeeds: flags.webSeed,
    comment: flags.comment,
    source: flags.source,
    createdBy: programName(),
    creationDate: Math.floor(context.clock.wall() / 1000),
    workers: flags.workers,
    onProgress: ({ done, total }) => progress.update(done, total),
    signal: context.stop.signal,
  })
  const bytes = await context.stop.afterWork(creating).finally(() => progress.close())
  await writeTorrent(output, bytes, force)
  const metainfo = engine.parseTorrent(bytes)
  if (flags.quiet !== true) context.stderr.write(`Wrote ${printable(output)}: ${describe(metainfo)}\n`)
  context.stdout.write(`${toHex(metainfo.infohashV1!)}\n${magnetOf(metainfo, engine)}\n`)
  return 0
}

function describe(metainfo: Metainfo): string {
  const pieces = formatCount(metainfo.pieceHashes!.length / 20, 'piece')
  const files = formatCount(metainfo.files.length, 'file')
  return `${files}, ${formatBytes(metainfo.totalSize)} in ${pieces} of ${formatRound(metainfo.pieceLength)}`
}

function magnetOf(metainfo: Metainfo, engine: Engine): string {
  return engine.encodeMagnet({
    infohashV1: metainfo.infohashV1,
    name: metainfo.name,
    trackers: metainfo.trackers.flat(),
  })
}
