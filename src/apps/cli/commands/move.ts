// shoal move: moves a torrent's content into another folder, with what is remembered of it.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addStateOptions, addWorkersOption } from '../options/session-options.ts'
import { readTorrent } from '../torrent-input.ts'
import { printable, printableJson } from '../view/printable.ts'
import { WorkProgress } from '../view/work-progress.ts'
import type { CommandModule } from './command-module.ts'

interface MoveFlags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly workers?: number
  /** False: nowhere. */
  readonly state?: string | false
}

export const move: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .argument('<from>', 'the folder that holds the content, or the content itself')
    .argument('<to>', 'the folder that shall hold it, under the name that it has')
    .option('--json', 'write the result as JSON on stdout')
    .option('--quiet', 'show no progress')
  addStateOptions(command)
  addWorkersOption(command)
  command.addHelpText(
    'after',
    `
To another file system it is copied, verified, and removed only then: whenever this is stopped, all of it is at one of the
two places. What was verified is not verified again at the next start. Nothing is replaced.

Example:
  shoal move album.torrent ~/Downloads /media/music`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<MoveFlags>()
  const [source, from, to] = command.args
  const engine = await context.loadEngine()
  const metainfo = engine.parseTorrent(await readTorrent(source, engine, context))
  const location = await engine.locateContent(metainfo, from)
  const progress = new WorkProgress(`Moving ${printable(metainfo.name)}`, flags, context)
  const moving = engine.moveContent(
    metainfo,
    location,
    { path: resolve(to), name: location.name },
    {
      state: flags.state ?? true,
      workers: flags.workers,
      // First all is copied, then all of it verified: one bar for both.
      onProgress: ({ phase, done, total }) => progress.update(phase === 'copying' ? done : total + done, 2 * total),
      signal: context.stop.signal,
    },
  )
  const path = await context.stop.afterWork(moving).finally(() => progress.close())
  if (flags.json === true) context.stdout.write(`${printableJson({ path })}\n`)
  else context.stdout.write(`Moved to ${printable(path)}\n`)
  return 0
}
