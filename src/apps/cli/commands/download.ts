// shoal download: fetches a torrent's content from its swarm.
import type { Command } from 'commander'
import { CommandError, usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import type { FilePriority, Metainfo } from '../../../index.ts'
import { type SessionFlags, addRecheckOption, addSessionOptions, addStateOptions } from '../options/session-options.ts'
import { type FileChoice, parseFileChoice, parsePriorities, type PriorityChoice } from '../options/file-choice.ts'
import { parseChecksum, parseDecimal, parseWebServer, repeated } from '../options/values.ts'
import { createReporter } from '../report/create-reporter.ts'
import { isLink, readTorrent } from '../torrent-input.ts'
import { numberedFiles, prioritiesOf, renderFiles } from '../torrent-files.ts'
import { type SeedLimits, runTransfer } from '../transfer.ts'
import type { CommandModule } from './command-module.ts'

interface DownloadFlags extends SessionFlags {
  readonly output: string
  readonly listFiles?: boolean
  readonly only?: readonly FileChoice[]
  readonly priority?: readonly (readonly PriorityChoice[])[]
  readonly partNames?: boolean
  readonly preallocate?: boolean
  readonly checksum?: string
  readonly webSeed?: readonly string[]
  /** False: from peers only. */
  readonly webSeeds?: boolean
  readonly seed?: boolean
  readonly seedRatio?: number
  readonly seedTime?: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export const download: CommandModule = { jsonFailure: 'event', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, the http(s) URL of one, a magnet link, or an infohash')
    .option('-o, --output <dir>', 'folder to download into', '.')
    .option('--list-files', 'print number, size and path of each file, and download nothing')
    .option(
      '--only <files>',
      "nothing but these files: 1,3-5 or a pattern ('*.mkv'); may be repeated",
      repeated(parseFileChoice),
    )
    .option(
      '--priority <files>',
      'high:2,low:7-9: what comes first, or last; skip and normal, too',
      repeated(parsePriorities),
    )
    .option('--part-names', 'call files NAME.part as long as they are not complete')
    .option('--preallocate', 'take the space of all wanted files on disk before the download begins')
    .option('--checksum <sha256:hex>', 'SHA-256 that the file must have (torrents of one file)', parseChecksum)
    .option(
      '--web-seed <url>',
      'a web server that has the content, besides those of the torrent; may be repeated',
      repeated(parseWebServer),
    )
    .option('--no-web-seeds', 'fetch from peers only')
    .option('--seed', 'go on seeding when the download is complete')
    .option('--seed-ratio <r>', 'seed until r times the size was given; 0 is no limit', parseDecimal)
    .option('--seed-time <min>', 'seed for so many minutes', parseDecimal)
    .option('--json', 'write events as JSON lines on stdout')
    .option('--quiet', 'write nothing but errors')
  addSessionOptions(command)
  addStateOptions(command)
  addRecheckOption(command)
  command.addHelpText(
    'after',
    `
What is in the folder already is kept, so that the same command goes on with a download that was stopped, or that was
killed with all the machine. What earlier runs have verified is not looked at again; all else is.

Example:
  shoal download debian.torrent -o ~/Downloads --seed-ratio 1
  shoal download 'magnet:?xt=urn:btih:...'`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<DownloadFlags>()
  const engine = await context.loadEngine()
  const [text] = command.args
  const link = isLink(text) ? engine.parseMagnet(text) : null
  const metainfo = link ? null : engine.parseTorrent(await readTorrent(text, engine, context, flags.bind))
  if (flags.listFiles === true) return listFiles(metainfo, flags, context)
  if (link) checkVersion(link)
  const plan = {
    source: metainfo ?? text,
    name: metainfo?.name ?? link?.name ?? 'magnet link',
    files: metainfo ? wantedFiles(metainfo, flags) : undefined,
    onMetadata: (found: Metainfo) => wantedFiles(found, flags),
    location: { path: flags.output },
    kind: 'download' as const,
    seedLimits: seedLimitsOf(flags),
    preallocate: flags.preallocate,
    partNames: flags.partNames,
    webSeeds: flags.webSeed,
    useWebSeeds: flags.webSeeds,
    checksum: flags.checksum ?? null,
  }
  await runTransfer(plan, flags, await createReporter(flags, context), engine, context)
  return 0
}

async function listFiles(metainfo: Metainfo | null, flags: DownloadFlags, context: Context): Promise<number> {
  if (!metainfo)
    throw usageError('--list-files needs a torrent file: what a magnet link holds is known by its peers only')
  const files = numberedFiles(metainfo)
  if (flags.json === true) {
    const listed = files.map(({ number, path, length }) => ({ number, path, length }))
    const reporter = await createReporter(flags, context)
    reporter.report({ event: 'files', files: listed })
    reporter.close()
  } else for (const line of renderFiles(files)) context.stdout.write(`${line}\n`)
  return 0
}

/** Undefined: nothing was said of it. Throws CommandError where the options do not suit the torrent. */
function wantedFiles(metainfo: Metainfo, flags: DownloadFlags): FilePriority[] | undefined {
  const { only, priority } = flags
  checkDownloadable(metainfo, flags)
  return only || priority ? prioritiesOf(metainfo, { only, priorities: priority?.flat() }) : undefined
}

function checkVersion({ infohashV1 }: Pick<Metainfo, 'infohashV1'>): void {
  if (infohashV1 !== null) return
  const message = 'Cannot download a torrent of version 2 alone; ask for one of version 1, or a hybrid'
  throw new CommandError('v2_only', message)
}

function checkDownloadable(metainfo: Metainfo, flags: DownloadFlags): void {
  checkVersion(metainfo)
  const files = metainfo.files.filter((file) => !file.isPad).length
  if (flags.checksum !== undefined && files !== 1) {
    throw usageError(`--checksum is for torrents of one file, this one has ${files}; leave it out`)
  }
}

/** A limit asks for seeding by itself; the first that is reached ends it. */
function seedLimitsOf({ seed, seedRatio, seedTime }: DownloadFlags): SeedLimits | null {
  if (seed !== true && seedRatio === undefined && seedTime === undefined) return null
  return { ratio: seedRatio ?? 0, minutes: seedTime ?? Infinity }
}
