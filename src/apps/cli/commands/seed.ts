// shoal seed: serves content that is there.
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { type SessionFlags, addRecheckOption, addSessionOptions, addStateOptions } from '../options/session-options.ts'
import { createReporter } from '../report/create-reporter.ts'
import { type SuperSeedMode, parseSuperSeed } from '../options/values.ts'
import { readTorrent } from '../torrent-input.ts'
import { runTransfer } from '../transfer.ts'
import type { CommandModule } from './command-module.ts'

interface SeedFlags extends SessionFlags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly superSeed?: SuperSeedMode
}

export const seed: CommandModule = { jsonFailure: 'event', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .argument('<path>', 'the folder that holds the content, or the content itself')
    .option(
      '--super-seed <mode>',
      'auto, on or off: reveal pieces one by one, to send little more than one copy (default: off)',
      parseSuperSeed,
    )
    .option('--json', 'write events as JSON lines on stdout')
    .option('--quiet', 'write nothing but errors')
  addSessionOptions(command)
  addStateOptions(command)
  addRecheckOption(command)
  command.addHelpText(
    'after',
    `
The content is verified first, as far as it was not before; then it is served until Ctrl+C.

Example:
  shoal seed album.torrent ~/Music --up-rate 2M`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<SeedFlags>()
  const [source, path] = command.args
  const engine = await context.loadEngine()
  const metainfo = engine.parseTorrent(await readTorrent(source, engine, context, flags.bind))
  const location = await engine.locateContent(metainfo, path)
  const plan = {
    source: metainfo,
    name: metainfo.name,
    location,
    kind: 'seed' as const,
    seedLimits: { ratio: 0, minutes: Infinity },
    superSeed: flags.superSeed,
    checksum: null,
  }
  await runTransfer(plan, flags, await createReporter(flags, context), engine, context)
  return 0
}
