// shoal download: fetches a torrent's content from its swarm.
import type { Command } from 'commander'
import { CommandError, usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import type { Metainfo } from '../../../index.ts'
import { type SessionFlags, addSessionOptions, addStateOptions } from '../options/session-options.ts'
import { parseChecksum, parseDecimal } from '../options/values.ts'
import { createReporter } from '../report/create-reporter.ts'
import { readTorrent } from '../torrent-input.ts'
import { type SeedLimits, runTransfer } from '../transfer.ts'
import type { CommandModule } from './command-module.ts'

interface DownloadFlags extends SessionFlags {
  readonly output: string
  readonly checksum?: string
  readonly seed?: boolean
  readonly seedRatio?: number
  readonly seedTime?: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export const download: CommandModule = { jsonFailure: 'event', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .option('-o, --output <dir>', 'folder to download into', '.')
    .option('--checksum <sha256:hex>', 'SHA-256 that the file must have (torrents of one file)', parseChecksum)
    .option('--seed', 'go on seeding when the download is complete')
    .option('--seed-ratio <r>', 'seed until r times the size was given; 0 is no limit', parseDecimal)
    .option('--seed-time <min>', 'seed for so many minutes', parseDecimal)
    .option('--json', 'write events as JSON lines on stdout')
    .option('--quiet', 'write nothing but errors')
  addSessionOptions(command)
  addStateOptions(command)
  command.addHelpText(
    'after',
    `
What is in the folder already is kept, so that the same command goes on with a download that was stopped, or that was
killed with all the machine. What earlier runs have verified is not looked at again; all else is.

Example:
  shoal download debian.torrent -o ~/Downloads --seed-ratio 1`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<DownloadFlags>()
  const engine = await context.loadEngine()
  const bytes = await readTorrent(command.args[0], engine, context, flags.bind)
  const metainfo = engine.parseTorrent(bytes)
  checkDownloadable(metainfo, flags)
  const plan = {
    metainfo,
    location: { path: flags.output },
    kind: 'download' as const,
    seedLimits: seedLimitsOf(flags),
    checksum: flags.checksum ?? null,
  }
  await runTransfer(plan, flags, await createReporter(flags, context), engine, context)
  return 0
}

function checkDownloadable(metainfo: Metainfo, flags: DownloadFlags): void {
  if (metainfo.infohashV1 === null) {
    const message = 'Cannot download a torrent of version 2 alone; ask for one of version 1, or a hybrid'
    throw new CommandError('v2_only', message)
  }
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
