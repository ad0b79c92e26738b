// shoal remove: deletes a torrent's content, and what is remembered of it.
import { relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { formatBytes, formatCount } from '../../../base/format.ts'
import type { ContentRemoval, Metainfo } from '../../../index.ts'
import { CommandError, EXIT_FAILED, usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { addStateOptions } from '../options/session-options.ts'
import { readTorrent } from '../torrent-input.ts'
import { printable, printableJson } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'

interface RemoveFlags {
  readonly yes?: boolean
  readonly json?: boolean
  /** False: nowhere. */
  readonly state?: string | false
}

/** Files that are named one by one. */
const MAX_NAMED = 20

export const remove: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .argument('<path>', 'the folder that holds the content, or the content itself')
    .option('--yes', 'delete without asking')
    .option('--json', 'write the result as JSON on stdout')
  addStateOptions(command)
  command.addHelpText(
    'after',
    `
Deletes the torrent's own files, the folders that are empty then, and what is remembered of it here. Everything else stays,
and no symbolic link is followed. Says first what it would delete, and asks.

Example:
  shoal remove album.torrent ~/Music`,
  )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<RemoveFlags>()
  const [source, path] = command.args
  const engine = await context.loadEngine()
  const metainfo = engine.parseTorrent(await readTorrent(source, engine, context))
  const location = await engine.locateContent(metainfo, path)
  const removal = await engine.openRemoval(metainfo, location, { state: flags.state ?? true })
  try {
    if (removal.files.length === 0) {
      throw new CommandError(
        'not_found',
        `Cannot find any file of ${printable(metainfo.name)} in ${printable(path)}; check the path`,
      )
    }
    if (flags.yes === true) requireName(metainfo, location.name)
    else if (!(await isWanted(removal, context))) {
      context.stderr.write('Nothing was deleted\n')
      return EXIT_FAILED
    }
    // What has begun is brought to its end: half of a removal is of use to nobody.
    const removed = await removal.remove()
    for (const kept of removed.kept) {
      context.stderr.write(`Kept ${printable(kept)}: there is something else in it, or in its place\n`)
    }
    if (flags.json === true) context.stdout.write(`${printableJson({ ...removed })}\n`)
    else
      context.stdout.write(
        `Deleted ${formatCount(removed.files, 'file')}, ${formatBytes(removed.bytes)} are free now\n`,
      )
    return 0
  } finally {
    await removal.close()
  }
}

/** Files of the same names in a folder of another name may be somebody else's: that takes a look. */
function requireName({ savedName }: Metainfo, name: string): void {
  if (name === savedName) return
  const message = `Cannot be sure that ${printable(name)} is the content of ${printable(savedName)}; delete without --yes, and look`
  throw new CommandError('other_name', message)
}

async function isWanted(removal: ContentRemoval, context: Context): Promise<boolean> {
  for (const line of describe(removal)) context.stderr.write(`${line}\n`)
  const answer = await context.stop.orInterrupted(context.ask('Delete them? [y/N] '))
  if (answer === null) throw usageError('There is no terminal to ask on; delete without asking with --yes')
  return /^y(es)?$/i.test(answer.trim())
}

function describe({ root, files }: ContentRemoval): string[] {
  const total = files.reduce((sum, { length }) => sum + length, 0)
  const where = printable(resolve(root))
  if (files.length === 1 && files[0].path === root) return [`${where} would be deleted: ${formatBytes(total)}`]
  const named = files.slice(0, MAX_NAMED).map(({ path }) => `  ${printable(relative(root, path))}`)
  const others = files.length - named.length
  return [
    `${formatCount(files.length, 'file')} in ${where} would be deleted, ${formatBytes(total)}:`,
    ...named,
    ...(others > 0 ? [`  and ${formatCount(others, 'more file')}`] : []),
  ]
}
