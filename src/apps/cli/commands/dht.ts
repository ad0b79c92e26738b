// shoal dht: asks the distributed hash table, keeps items there, or is a node of it. One action each in `dht-*.ts`.
import { Argument, type Command } from 'commander'
import { CommandError, usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { openLogSink } from '../log-sink.ts'
import { hostAndPort, parsePeer, resolvePeer } from '../options/peer-option.ts'
import { addRouterOption } from '../options/session-options.ts'
import { parseBinding, parseCount, parseLogLevel, parsePort } from '../options/values.ts'
import { printable } from '../view/printable.ts'
import type { CommandModule } from './command-module.ts'
import type { DhtAction, DhtFlags } from './dht-action.ts'
import { getItem, putItem } from './dht-items.ts'
import { findNodes, findPeers, pingNode, sampleInfohashes } from './dht-lookups.ts'
import { serve } from './dht-serve.ts'

const ACTIONS = ['ping', 'find', 'peers', 'get', 'put', 'sample', 'serve'] as const
type ActionName = (typeof ACTIONS)[number]

/** Who stays has the port that others expect. */
const SERVE_PORT = 6881

export const dht: CommandModule = { jsonFailure: 'document', define, run }

function define(command: Command): void {
  command
    .addArgument(new Argument('<action>', 'what to do, see below').choices(ACTIONS))
    .argument('[what]', 'address, id, infohash, magnet link, or text')
    .optionsGroup('Network:')
    .option('--port <n>', `UDP port (default: any free one; to serve: ${SERVE_PORT})`, parsePort)
    .option('--bind <address>', 'IP or interface to use (default: all)', parseBinding)
  addRouterOption(command)
  command
    .option('--state <dir>', "folder to remember nodes in (default: the system's for programs' state)")
    .option('--no-state', 'remember nothing')
    .optionsGroup('peers:')
    .option('--announce <port>', 'say that there is a peer of the torrent on this machine, at this TCP port', parsePort)
    .optionsGroup('get and put:')
    .option('--key <hex>', 'get: the public key of the owner of an item that changes')
    .option(
      '--key-file <file>',
      'put: sign with the key in this file, so that the item can change; made when it is missing',
    )
    .option('--salt <text>', 'tells the items of an owner apart')
    .option('--seq <n>', 'put: the version (default: one more than what is found)', parseCount)
    .option('--file <file>', 'put: the content of this file')
    .optionsGroup('Output:')
    .option('--json', 'write the result as JSON on stdout')
    .option('--log-level <level>', 'error, warn, info or debug (default: warn)', parseLogLevel)
    .addHelpText(
      'after',
      `
Actions:
  ping HOST:PORT      is this node there, and where does it see us?
  find ID             the nodes closest to an id
  peers TORRENT       peers of an infohash or magnet link
  get TARGET          the item that is kept at a target, or the newest of --key
  put TEXT            keeps a text for two hours; says where it is found
  sample [ID]         infohashes that nodes keep peers of
  serve               is a node, until it is stopped

The exit code is 0 when something was found, kept or answered, else 1.

Examples:
  shoal dht peers 'magnet:?xt=urn:btih:...'
  shoal dht put 'Hello' --key-file ~/.hello.key`,
    )
}

async function run(command: Command, context: Context): Promise<number> {
  const flags = command.opts<DhtFlags>()
  const [name, what] = command.processedArgs as [ActionName, string | undefined]
  checkUsage(name, what, flags)
  const engine = await context.loadEngine()
  const infohash = name === 'peers' ? engine.parseMagnet(what!).infohashV1 : null
  if (name === 'peers' && infohash === null)
    throw new CommandError('v2_only', 'Cannot look for a torrent of version 2 alone; ask for a hybrid')
  const log = await openLogSink({
    level: flags.logLevel ?? 'warn',
    toStderr: (line) => context.stderr.write(`${printable(line)}\n`),
    wall: () => context.clock.wall(),
  })
  const isServing = name === 'serve'
  const dht = await engine.openDht({
    port: flags.port ?? (isServing ? SERVE_PORT : undefined),
    bind: flags.bind,
    routers: flags.dhtRouter?.map(hostAndPort),
    isReadOnly: !isServing,
    state: flags.state ?? true,
    log: log.write,
  })
  const action: DhtAction = { dht, context, flags }
  const { stop } = context
  try {
    if (name === 'serve') return await serve(action)
    if (name === 'ping') {
      const addresses = await stop.orInterrupted(resolvePeer(parsePeer(what!), flags.bind, context))
      return await stop.orInterrupted(pingNode(action, addresses[0]))
    }
    await stop.orInterrupted(dht.joined())
    return await stop.orInterrupted(ask(name, what, infohash, action))
  } finally {
    await dht.close()
    await log.close()
  }
}

function ask(
  name: Exclude<ActionName, 'serve' | 'ping'>,
  what: string | undefined,
  infohash: Uint8Array | null,
  action: DhtAction,
): Promise<number> {
  switch (name) {
    case 'find':
      return findNodes(action, what!)
    case 'peers':
      return findPeers(action, infohash!)
    case 'get':
      return getItem(action, what)
    case 'put':
      return putItem(action, what)
    case 'sample':
      return sampleInfohashes(action, what)
  }
}

const ID = /^[0-9a-f]{40}$/i

/** Throws what ends in exit code 2, before anything is sent. */
function checkUsage(name: ActionName, what: string | undefined, { key, file, keyFile, seq }: DhtFlags): void {
  const isFree = name === 'serve' || (name === 'sample' && what === undefined)
  const isElsewhere = (name === 'get' && key !== undefined) || (name === 'put' && file !== undefined)
  if (what === undefined && !isFree && !isElsewhere) throw usageError(`shoal dht ${name} needs to be told what`)
  if (what !== undefined && (name === 'serve' || isElsewhere))
    throw usageError(`shoal dht ${name} takes nothing else here`)
  const isId = name === 'find' || name === 'sample' || name === 'get'
  if (what !== undefined && isId && !ID.test(what)) throw usageError(`${what} is no id: give 40 hexadecimal digits`)
  if (key !== undefined && !/^[0-9a-f]{64}$/i.test(key)) throw usageError('--key has 64 hexadecimal digits')
  if (seq !== undefined && keyFile === undefined) throw usageError('--seq is for items of an owner; give --key-file')
}
