// What `shoal dht` finds: nodes, peers, infohashes.
import { toHex } from '../../../base/bytes.ts'
import { formatCount } from '../../../base/format.ts'
import { addressKey, type Address } from '../../../base/address.ts'
import { EXIT_FAILED } from '../command-error.ts'
import { printable, printableJson } from '../view/printable.ts'
import type { DhtAction } from './dht-action.ts'

export async function pingNode({ dht, context, flags }: DhtAction, address: string): Promise<number> {
  const { id, ms, seenAt } = await dht.ping(address)
  if (flags.json === true) {
    context.stdout.write(`${printableJson({ address, id, ms: Math.round(ms), seen_at: seenAt })}\n`)
  } else {
    context.stdout.write(`${id}\n`)
    const where = seenAt === null ? '' : `; it sees us at ${seenAt}`
    context.stderr.write(`${address} answered within ${Math.ceil(ms)} ms${where}\n`)
  }
  return 0
}

export async function findNodes({ dht, context, flags }: DhtAction, target: string): Promise<number> {
  const nodes = await dht.findNodes(target)
  if (flags.json === true) context.stdout.write(`${printableJson({ nodes })}\n`)
  else for (const { id, address } of nodes) context.stdout.write(`${id} ${address}\n`)
  return nodes.length > 0 ? 0 : EXIT_FAILED
}

/** Peers are written as they are found. */
export async function findPeers({ dht, context, flags }: DhtAction, infohash: Uint8Array): Promise<number> {
  const { json = false, announce: port } = flags
  const found: string[] = []
  const onPeers = (peers: readonly Address[]): void => {
    for (const peer of peers.map(addressKey)) {
      found.push(peer)
      if (!json) context.stdout.write(`${peer}\n`)
    }
  }
  const announce = port === undefined ? undefined : { port: port === 0 ? ('implied' as const) : port }
  const result = await dht.findPeers(toHex(infohash), { onPeers, isScrape: true, ...(announce && { announce }) })
  const { asked, announcedTo, swarm } = result
  const about = swarm && { seeds: Math.round(swarm.seeds), peers: Math.round(swarm.peers) }
  if (json) {
    context.stdout.write(`${printableJson({ peers: found, asked, announced_to: announcedTo, swarm: about })}\n`)
  } else {
    const size =
      about && found.length > 0 ? `; about ${formatCount(about.seeds, 'seed')} and ${about.peers} others` : ''
    const told = port === undefined ? '' : `; announced to ${formatCount(announcedTo, 'node')}`
    context.stderr.write(`${formatCount(found.length, 'peer')} from ${formatCount(asked, 'node')}${size}${told}\n`)
  }
  return found.length > 0 || announcedTo > 0 ? 0 : EXIT_FAILED
}

export async function sampleInfohashes({ dht, context, flags }: DhtAction, target?: string): Promise<number> {
  const found = new Set<string>()
  let nodes = 0
  await dht.sample(target ?? dht.randomTarget(), (infohashes) => {
    nodes++
    for (const infohash of infohashes) {
      if (flags.json !== true && !found.has(infohash)) context.stdout.write(`${printable(infohash)}\n`)
      found.add(infohash)
    }
  })
  if (flags.json === true) context.stdout.write(`${printableJson({ infohashes: [...found], nodes })}\n`)
  else context.stderr.write(`${formatCount(found.size, 'torrent')} from ${formatCount(nodes, 'node')}\n`)
  return nodes > 0 ? 0 : EXIT_FAILED
}
