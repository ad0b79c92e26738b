// shoal dht serve: a node of the DHT that answers others, until it is stopped.
import { addressKey } from '../../../base/address.ts'
import { toHex } from '../../../base/bytes.ts'
import { formatCount } from '../../../base/format.ts'
import { printableJson } from '../view/printable.ts'
import type { FamilyStatus } from '../../../index.ts'
import type { DhtAction } from './dht-action.ts'

const TELL_EVERY_MS = 60_000

export async function serve({ dht, context, flags }: DhtAction): Promise<number> {
  const { stop, stdout, stderr, clock } = context
  const tell = (): void => {
    if (flags.json === true) {
      const networks = dht.status.map(figuresOf)
      stdout.write(`${printableJson({ event: 'status', time: clock.wall(), networks })}\n`)
    } else for (const status of dht.status) stderr.write(`${sentenceOf(status)}\n`)
  }
  if (flags.json !== true) {
    for (const { address } of dht.status) stdout.write(`${addressKey(address)}\n`)
    stderr.write('The node is running (Ctrl+C to stop)\n')
  }
  stop.isNormal = true
  if (flags.json === true) tell()
  dht.joined().then(tell, () => {
    if (flags.json !== true) stderr.write('No node has answered yet; waiting for others to come\n')
  })
  const stopTelling = clock.every(TELL_EVERY_MS, tell)
  try {
    return await stop.orInterrupted(new Promise<never>(() => {}))
  } finally {
    stopTelling()
  }
}

function figuresOf({ family, id, address, nodes, externalIp, networkSize, stored }: FamilyStatus): object {
  return {
    family,
    id: toHex(id),
    address: addressKey(address),
    nodes,
    external_ip: externalIp,
    network_size: networkSize === null ? null : Math.round(networkSize),
    ...stored,
  }
}

/** `IPv4: 87 nodes known of about 5000000; others see us at 1.2.3.4; kept for others: 3 torrents with 12 peers, 1 item`. */
function sentenceOf({ family, nodes, externalIp, networkSize, stored }: FamilyStatus): string {
  const size = networkSize === null ? '' : ` of about ${Math.round(networkSize)}`
  const seen = externalIp === null ? '' : `; others see us at ${externalIp}`
  const { infohashes, peers, items } = stored
  const torrents = `${formatCount(infohashes, 'torrent')} with ${formatCount(peers, 'peer')}`
  const kept = `; kept for others: ${torrents}, ${formatCount(items, 'item')}`
  return `IPv${family}: ${formatCount(nodes, 'node')} known${size}${seen}${kept}`
}
