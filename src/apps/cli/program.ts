// The program behind `shoal`: finds the command, reads its options, runs it, and turns its end into an exit code.
import { Command, CommanderError } from 'commander'
import { EXIT_USAGE, type Failure, Interrupted, describeFailure } from './command-error.ts'
import type { CommandModule } from './commands/command-module.ts'
import type { Context } from './context.ts'
import { version } from './version.ts'
import { printable, printableJson } from './view/printable.ts'

interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<CommandModule>
}

/** Only the command that is called is loaded. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'download',
    summary: "fetch a torrent's content from its swarm",
    load: async () => (await import('./commands/download.ts')).download,
  },
  {
    name: 'seed',
    summary: 'verify content and serve it to others',
    load: async () => (await import('./commands/seed.ts')).seed,
  },
  {
    name: 'share',
    summary: 'serve a file or folder, and give its magnet link',
    load: async () => (await import('./commands/share.ts')).share,
  },
  {
    name: 'info',
    summary: 'show what a torrent or a magnet link says',
    load: async () => (await import('./commands/info.ts')).info,
  },
  {
    name: 'create',
    summary: 'make a torrent of a file or folder',
    load: async () => (await import('./commands/create.ts')).create,
  },
  {
    name: 'verify',
    summary: 'say which pieces of content on disk are good',
    load: async () => (await import('./commands/verify.ts')).verify,
  },
  {
    name: 'move',
    summary: "move a torrent's content into another folder",
    load: async () => (await import('./commands/move.ts')).move,
  },
  {
    name: 'remove',
    summary: "delete a torrent's content, and nothing else",
    load: async () => (await import('./commands/remove.ts')).remove,
  },
  {
    name: 'peers',
    summary: "ask a torrent's trackers who is in the swarm",
    load: async () => (await import('./commands/peers.ts')).peers,
  },
  {
    name: 'scrape',
    summary: "ask a torrent's trackers how large the swarm is",
    load: async () => (await import('./commands/scrape.ts')).scrape,
  },
  {
    name: 'piece',
    summary: 'fetch one piece, verified, into a file',
    load: async () => (await import('./commands/piece.ts')).piece,
  },
  {
    name: 'dht',
    load: async () => (await import('./commands/dht.ts')).dht,
    summary: 'ask the distributed hash table, or be a node of it',
  },
  {
    name: 'tracker',
    summary: 'run an HTTP tracker',
    load: async () => (await import('./commands/tracker.ts')).tracker,
  },
]

/** @param args what follows `shoal` on the command line; returns the exit code, and never rejects */
export async function runProgram(args: readonly string[], context: Context): Promise<number> {
  const outcome = { exitCode: 0, command: null as Command | null, jsonFailure: 'none' as CommandModule['jsonFailure'] }
  const program = new Command('shoal')
    .description('A BitTorrent client.')
    .usage('<command> [options]')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ showGlobalOptions: false })
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      // Wrong usage throws as well, and is told there, in one line; what is left is the help that nobody asked for.
      writeErr: (text) => void context.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => Math.min(context.stdout.columns ?? 100, 100),
      getErrHelpWidth: () => Math.min(context.stderr.columns ?? 100, 100),
    })
    .addHelpText('after', '\nExample:\n  shoal download debian.torrent -o ~/Downloads')
  if (args.some((arg) => arg === '--version' || arg === '-V'))
    program.version(version(), '-V, --version', 'show the version')
  const called = new Set(args)
  for (const { name, summary, load } of COMMANDS) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${summary[0].toUpperCase()}${summary.slice(1)}.`)
    if (!called.has(name)) continue
    const module = await load()
    module.define(command)
    command.action(async () => {
      Object.assign(outcome, { command, jsonFailure: module.jsonFailure })
      outcome.exitCode = await module.run(command, context)
    })
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (error instanceof Interrupted) return context.stop.exitCode
    if (error instanceof CommanderError) return endOfParsing(error, args, context)
    const failure = describeFailure(error)
    const isJson = outcome.command?.opts<{ json?: boolean }>().json === true
    tellFailure(failure, isJson ? outcome.jsonFailure : 'none', context)
    return failure.exitCode
  }
}

function endOfParsing(error: CommanderError, args: readonly string[], context: Context): number {
  // The help or the version was asked for and is written.
  if (error.exitCode === 0) return 0
  // Help instead of a command was written too.
  if (error.code === 'commander.help') return EXIT_USAGE
  const message = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
  const command = COMMANDS.find(({ name }) => name === args[0])
  const help = command === undefined ? 'shoal --help' : `shoal ${command.name} --help`
  context.stderr.write(`shoal: ${printable(message)}; see ${help}\n`)
  return EXIT_USAGE
}

function tellFailure({ code, message }: Failure, json: CommandModule['jsonFailure'], context: Context): void {
  context.stderr.write(`shoal: ${printable(message)}\n`)
  if (json === 'document') {
    context.stdout.write(`${printableJson({ error: { code, message } })}\n`)
  } else if (json === 'event') {
    context.stdout.write(`${printableJson({ event: 'error', time: context.clock.wall(), code, message })}\n`)
  }
}
