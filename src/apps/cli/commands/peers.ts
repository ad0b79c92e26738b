// shoal peers: asks a torrent's trackers who is in the swarm.
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { printable } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'
import { defineQuestion, runQuestion } from './tracker-question.ts'

export const peers: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  defineQuestion(
    command,
    `The exit code is 0 when at least one tracker answered, 1 when none did.

Example:
  shoal peers debian.torrent`,
  )
}

function run(command: Command, context: Context): Promise<number> {
  return runQuestion(command, context, {
    ask: (engine, torrent, options) => engine.queryTrackers(torrent, options),
    answered: ({ trackers }) => trackers.map(({ error }) => error === undefined),
    toJson: ({ peers, trackers }) => ({
      peers,
      trackers: trackers.map(({ url, error, externalIp }) => ({ url, error, external_ip: externalIp })),
    }),
    write: ({ peers, trackers }, { stdout, stderr }) => {
      stdout.write(peers.map((peer) => `${peer}\n`).join(''))
      for (const { url, error } of trackers) {
        if (error !== undefined) stderr.write(`${printable(url)}: ${printable(error)}\n`)
      }
      // Behind a router, nobody else knows it.
      for (const ip of new Set(trackers.flatMap(({ externalIp }) => externalIp ?? [])))
        stderr.write(`Seen by trackers as ${ip}\n`)
    },
  })
}
