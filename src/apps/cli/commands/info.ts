// shoal info: shows what a torrent or a magnet link says.
import type { Command } from 'commander'
import type { TorrentFacts } from '../../../index.ts'
import type { Context } from '../context.ts'
import { isLink, readTorrent } from '../torrent-input.ts'
import { renderInfo } from '../view/info-view.ts'
import { printableJson } from '../view/printable.ts'
import { styleFor } from '../view/style.ts'
import type { CommandModule } from './command-module.ts'

interface InfoFlags {
  readonly json?: boolean
}

export const info: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, the http(s) URL of one, or a magnet link')
    .option('--json', 'write all of it as JSON on stdout')
    .addHelpText(
      'after',
      `
Example:
  shoal info debian.torrent`,
    )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<InfoFlags>()
  const facts = await readFacts(command.args[0], context)
  const { stdout, env } = context
  if (flags.json === true) stdout.write(`${printableJson(facts)}\n`)
  else stdout.write(`${renderInfo(facts, styleFor(stdout, env)).join('\n')}\n`)
  return 0
}

async function readFacts(source: string, context: Context): Promise<TorrentFacts> {
  const engine = await context.loadEngine()
  if (isLink(source)) return engine.describeMagnet(engine.parseMagnet(source))
  return engine.describeTorrent(await readTorrent(source, engine, context))
}
