// shoal verify: says which pieces of content on disk are good.
import type { Command } from 'commander'
import type { Verification } from '../../../index.ts'
import { EXIT_FAILED } from '../command-error.ts'
import type { Context } from '../context.ts'
import { addWorkersOption } from '../options/session-options.ts'
import { readTorrent } from '../torrent-input.ts'
import { formatCount } from '../../../base/format.ts'
import { printable, printableJson } from '../view/printable.ts'
import { WorkProgress } from '../view/work-progress.ts'
import type { CommandModule } from './command-module.ts'

interface VerifyFlags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly workers?: number
}

export const verify: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .argument('<path>', 'the folder that holds the content, or the content itself')
    .option('--json', 'write the result as JSON on stdout')
    .option('--quiet', 'show no progress')
  addWorkersOption(command)
  command.addHelpText(
    'after',
    `
The exit code is 0 when all pieces are good, 1 when not.

Example:
  shoal verify debian.torrent ~/Downloads`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<VerifyFlags>()
  const [source, path] = command.args
  const engine = await context.loadEngine()
  const metainfo = engine.parseTorrent(await readTorrent(source, engine, context))
  const location = await engine.locateContent(metainfo, path)
  const progress = new WorkProgress(`Verifying ${printable(metainfo.name)}`, flags, context)
  const { signal } = context.stop
  // Pieces, shown as bytes.
  const bytes = (count: number): number => Math.min(count * metainfo.pieceLength, metainfo.totalSize)
  const verifying = engine.verifyTorrent(metainfo, location, {
    workers: flags.workers,
    onProgress: ({ done, total }) => progress.update(bytes(done), bytes(total)),
    signal,
  })
  const result = await context.stop.afterWork(verifying).finally(() => progress.close())
  const { complete, pieces, good, bad } = result
  if (flags.json === true) context.stdout.write(`${printableJson({ complete, pieces, good, bad })}\n`)
  else context.stdout.write(`${describe(result)}\n`)
  return complete ? 0 : EXIT_FAILED
}

function describe({ complete, good, pieces }: Verification): string {
  if (complete) return `Complete: all ${formatCount(pieces, 'piece')} are good`
  if (good === pieces) return `Incomplete: all ${formatCount(pieces, 'piece')} are good, but an empty file is missing`
  return `Incomplete: ${good} of ${formatCount(pieces, 'piece')} are good`
}
