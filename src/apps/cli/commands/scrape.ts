// shoal scrape: asks a torrent's trackers how large the swarm is.
import type { Command } from 'commander'
import { formatCount } from '../../../base/format.ts'
import type { SwarmSize } from '../../../index.ts'
import { EXIT_FAILED } from '../command-error.ts'
import type { Context } from '../context.ts'
import { parseBind } from '../options/values.ts'
import { readTorrent } from '../torrent-input.ts'
import { printable, printableJson } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'

const TIMEOUT_MS = 15_000

interface ScrapeFlags {
  readonly bind?: string
  readonly json?: boolean
}

export const scrape: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .option('--bind <address>', 'local address to ask from (default: the system chooses)', parseBind)
    .option('--json', 'write the result as JSON on stdout')
    .addHelpText(
      'after',
      `
Trackers are not told of this machine. Each may know another part of the swarm.
The exit code is 0 when at least one tracker answered, 1 when none did.

Example:
  shoal scrape debian.torrent`,
    )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<ScrapeFlags>()
  const engine = await context.loadEngine()
  const metainfo = engine.parseTorrent(await readTorrent(command.args[0], engine, context, flags.bind))
  const asking = engine.scrapeTrackers(metainfo, { bind: flags.bind, timeoutMs: TIMEOUT_MS })
  const trackers = await context.stop.orInterrupted(asking)
  if (flags.json === true) context.stdout.write(`${printableJson({ trackers: trackers.map(toJson) })}\n`)
  else {
    if (trackers.length === 0) context.stderr.write('This torrent names no trackers\n')
    for (const size of trackers) {
      const stream = size.error === null ? context.stdout : context.stderr
      stream.write(`${printable(size.url)}: ${printable(size.error ?? sentence(size))}\n`)
    }
  }
  return trackers.some(({ error }) => error === null) ? 0 : EXIT_FAILED
}

function sentence({ seeders, leechers, downloads }: SwarmSize): string {
  const counts = [formatCount(seeders ?? 0, 'seeder'), formatCount(leechers ?? 0, 'leecher')]
  return `${counts.join(', ')}, ${formatCount(downloads ?? 0, 'download')}`
}

/** As with `peers`: what there is, and nothing else. */
function toJson({ url, error, ...figures }: SwarmSize): Record<string, unknown> {
  return error === null ? { url, ...figures } : { url, error }
}
