// shoal peers: asks a torrent's trackers who is in the swarm.
import type { Command } from 'commander'
import { EXIT_FAILED } from '../command-error.ts'
import type { Context } from '../context.ts'
import { parseBind } from '../options/values.ts'
import { readTorrent } from '../torrent-input.ts'
import { printable, printableJson } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'

const TIMEOUT_MS = 15_000

interface PeersFlags {
  readonly bind?: string
  readonly json?: boolean
}

export const peers: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  command
    .argument('<torrent>', 'a torrent file, or the http(s) URL of one')
    .option('--bind <address>', 'local address to ask from (default: the system chooses)', parseBind)
    .option('--json', 'write the result as JSON on stdout')
    .addHelpText(
      'after',
      `
The exit code is 0 when at least one tracker answered, 1 when none did.

Example:
  shoal peers debian.torrent`,
    )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<PeersFlags>()
  const engine = await context.loadEngine()
  const metainfo = engine.parseTorrent(await readTorrent(command.args[0], engine, context, flags.bind))
  const asking = engine.queryTrackers(metainfo, { bind: flags.bind, timeoutMs: TIMEOUT_MS })
  const { peers, trackers } = await context.stop.orInterrupted(asking)
  if (flags.json === true) {
    const told = trackers.map(({ url, error, externalIp }) => ({ url, error, external_ip: externalIp }))
    context.stdout.write(`${printableJson({ peers, trackers: told })}\n`)
  } else {
    context.stdout.write(peers.map((peer) => `${peer}\n`).join(''))
    if (trackers.length === 0) context.stderr.write('This torrent names no trackers\n')
    for (const { url, error } of trackers) {
      if (error !== undefined) context.stderr.write(`${printable(url)}: ${printable(error)}\n`)
    }
    // Behind a router, nobody else knows it.
    for (const ip of new Set(trackers.flatMap(({ externalIp }) => externalIp ?? [])))
      context.stderr.write(`Seen by trackers as ${ip}\n`)
  }
  return trackers.some(({ error }) => error === undefined) ? 0 : EXIT_FAILED
}
