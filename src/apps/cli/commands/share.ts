// shoal share: makes a torrent of a file or folder, serves it, and says how to get it.
import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Command } from 'commander'
import { addressKey } from '../../../base/address.ts'
import { toHex } from '../../../base/bytes.ts'
import { formatBytes, formatCount } from '../../../base/format.ts'
import type { Metainfo } from '../../../index.ts'
import type { RunningTracker } from '../../../tracker-server/index.ts'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import type { Engine } from '../engine.ts'
import { type SessionFlags, addSessionOptions, addStateOptions } from '../options/session-options.ts'
import { parsePort, parseTrackerTier, repeated } from '../options/values.ts'
import { reachableAddresses } from '../own-addresses.ts'
import { createReporter } from '../report/create-reporter.ts'
import type { Reporter } from '../report/reporter.ts'
import { runTransfer } from '../transfer.ts'
import { programName } from '../version.ts'
import { printable } from '../view/printable.ts'
import { renderQrCode } from '../view/qr-code.ts'
import { styleFor } from '../view/style.ts'
import { WorkProgress } from '../view/work-progress.ts'
import { checkOutput, writeTorrent } from '../write-torrent.ts'
import type { CommandModule } from './command-module.ts'

interface ShareFlags extends SessionFlags {
  readonly output?: string
  readonly force?: boolean
  readonly tracker?: string[][]
  readonly trackerPort?: number
  readonly qr: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

export const share: CommandModule = { jsonFailure: 'event', define, run }

function define(command: Command): void {
  command
    .argument('<path>', 'the file or folder to share')
    .option('-o, --output <file>', 'write the torrent to a file, too')
    .option('--force', 'overwrite that file if it is there')
    .option(
      '--tracker <url>',
      'a tracker, or several of one tier (URL,URL); repeat for more tiers',
      repeated(parseTrackerTier),
    )
    .option('--tracker-port <n>', 'run a tracker for it on this port; 0 is any free one', parsePort)
    .option('--no-qr', 'show no QR code of the link')
    .option('--json', 'write events as JSON lines on stdout')
    .option('--quiet', 'write nothing but the link and errors')
  addSessionOptions(command)
  addStateOptions(command)
  command.addHelpText(
    'after',
    `
The magnet link is written on stdout; whoever has it gets the content with shoal download LINK, or with another client,
as long as this runs (until Ctrl+C). Nothing is copied: the content is served from where it is.

Example:
  shoal share ~/Pictures/holiday`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<ShareFlags>()
  const path = resolve(command.args[0])
  if (flags.output !== undefined) await checkShareOutput(flags.output, path, flags.force === true)
  const engine = await context.loadEngine()
  // All work would be in vain where nothing could leave.
  const ips = flags.bind === undefined ? null : engine.boundAddresses(flags.bind)
  const tracker = flags.trackerPort === undefined ? null : await startOwnTracker(flags.trackerPort, ips)
  try {
    const metainfo = await makeTorrent(path, tracker && { port: tracker.port, ips }, flags, engine, context)
    tracker?.serveOnly([metainfo.infohashV1!])
    const reporter = await createReporter(flags, context)
    const plan = {
      source: metainfo,
      name: metainfo.name,
      location: { path: dirname(path), name: basename(path) },
      kind: 'seed' as const,
      whyIncomplete: 'it has changed since it was hashed, so run this command again',
      seedLimits: { ratio: 0, minutes: Infinity },
      checksum: null,
      onSeeding: (listening: Listening) => tellLink(metainfo, listening, flags, reporter, engine, context),
    }
    await runTransfer(plan, flags, reporter, engine, context)
  } finally {
    await tracker?.close()
  }
  return 0
}

type Listening = readonly { readonly address: string; readonly port: number }[]

/** What is shared must not change, and a torrent cannot have itself as content. */
async function checkShareOutput(output: string, path: string, force: boolean): Promise<void> {
  const folder = await realpath(dirname(resolve(output))).catch(() => dirname(resolve(output)))
  const shared = await realpath(path).catch(() => path)
  const way = relative(shared, join(folder, basename(output)))
  if (way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)))
    throw usageError(`Cannot write ${output}: it is a part of what is shared; name a file elsewhere with -o`)
  await checkOutput(output, force)
}

/** It serves nothing until it is told what. @param ips what we are bound to; null: nothing */
async function startOwnTracker(port: number, ips: readonly string[] | null): Promise<RunningTracker> {
  const { startTracker } = await import('../../../tracker-server/index.ts')
  const tracker = await startTracker({ ip: ips?.[0], port })
  tracker.serveOnly([])
  return tracker
}

interface OwnTracker {
  readonly port: number
  /** Null: all of this machine. */
  readonly ips: readonly string[] | null
}

async function makeTorrent(
  path: string,
  tracker: OwnTracker | null,
  flags: ShareFlags,
  engine: Engine,
  context: Context,
): Promise<Metainfo> {
  const progress = new WorkProgress(`Hashing ${printable(basename(path))}`, flags, context)
  const creating = engine.createTorrent(path, {
    trackers: [...(flags.tracker ?? []), ...(tracker ? [ownTrackerUrls(tracker)] : [])],
    createdBy: programName(),
    workers: flags.workers,
    onProgress: ({ done, total }) => progress.update(done, total),
    signal: context.stop.signal,
  })
  const bytes = await context.stop.afterWork(creating).finally(() => progress.close())
  if (flags.output !== undefined) await writeTorrent(flags.output, bytes, flags.force === true)
  return engine.parseTorrent(bytes)
}

/** One tier: the same tracker, by each of our addresses. */
function ownTrackerUrls({ port, ips }: OwnTracker): string[] {
  const listening = ips?.slice(0, 1) ?? ['0.0.0.0', '::']
  const addresses = reachableAddresses(listening.map((address) => ({ address, port })))
  return (addresses.length > 0 ? addresses.map(addressKey) : [`127.0.0.1:${port}`]).map(
    (host) => `http://${host}/announce`,
  )
}

function tellLink(
  metainfo: Metainfo,
  listening: Listening,
  { qr, json, quiet }: ShareFlags,
  reporter: Reporter,
  engine: Engine,
  { stdout, stderr, env }: Context,
): void {
  const { infohashV1, name, trackers } = metainfo
  const peers = reachableAddresses(listening).map(addressKey)
  const magnet = engine.encodeMagnet({ infohashV1, name, trackers: trackers.flat(), peers })
  reporter.report({ event: 'sharing', infohash_v1: toHex(infohashV1!), magnet })
  reporter.note(
    `Sharing ${printable(name)}: ${formatCount(metainfo.files.length, 'file')}, ${formatBytes(metainfo.totalSize)}`,
  )
  const isSeen = stderr.isTTY === true && qr && quiet !== true && json !== true
  // A camera is held to one thing; what it is called comes with the content.
  const lines = isSeen
    ? renderQrCode(
        engine.encodeMagnet({ infohashV1, trackers: trackers.flat(), peers }),
        stderr.columns ?? 80,
        styleFor(stderr, env),
      )
    : []
  for (const line of lines) reporter.note(line)
  if (json === true) return
  // On one terminal with the live view, it is put above that.
  if (stdout.isTTY === true && stderr.isTTY === true && quiet !== true) reporter.note(magnet)
  else stdout.write(`${magnet}\n`)
}
