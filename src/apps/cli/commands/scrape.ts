// shoal scrape: asks a torrent's trackers how large the swarm is.
import type { Command } from 'commander'
import { formatCount } from '../../../base/format.ts'
import type { SwarmSize } from '../../../index.ts'
import type { Context } from '../context.ts'
import { printable } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'
import { defineQuestion, runQuestion } from './tracker-question.ts'

export const scrape: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  defineQuestion(
    command,
    `Trackers are not told of this machine. Each may know another part of the swarm.
The exit code is 0 when at least one tracker answered, 1 when none did.

Example:
  shoal scrape debian.torrent`,
  )
}

function run(command: Command, context: Context): Promise<number> {
  return runQuestion(command, context, {
    ask: (engine, torrent, options) => engine.scrapeTrackers(torrent, options),
    answered: (sizes) => sizes.map(({ error }) => error === null),
    toJson: (sizes) => ({ trackers: sizes.map(toJson) }),
    write: (sizes, { stdout, stderr }) => {
      for (const size of sizes) {
        const stream = size.error === null ? stdout : stderr
        stream.write(`${printable(size.url)}: ${printable(size.error ?? sentence(size))}\n`)
      }
    },
  })
}

function sentence({ seeders, leechers, downloads }: SwarmSize): string {
  const counts = [formatCount(seeders ?? 0, 'seeder'), formatCount(leechers ?? 0, 'leecher')]
  return `${counts.join(', ')}, ${formatCount(downloads ?? 0, 'download')}`
}

/** As with `peers`: what there is, and nothing else. */
function toJson({ url, error, ...figures }: SwarmSize): Record<string, unknown> {
  return error === null ? { url, ...figures } : { url, error }
}
