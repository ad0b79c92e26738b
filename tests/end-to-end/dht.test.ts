// A DHT of 20 nodes of libtorrent and 20 of ours, each at a loopback address of its own: what one kind announces or puts is found
// by the other.
import { fileURLToPath } from 'node:url'
import { expect, test, type TestContext } from 'vitest'
import { addressKey, ipAddress } from '../../src/base/address.ts'
import { decodeUtf8, encodeUtf8, fromHex, toHex } from '../../src/base/bytes.ts'
import { DhtNode } from '../../src/engine/discovery/dht-node.ts'
import { createNodePlatform } from '../../src/platform/node/node-platform.ts'
import { itemTarget } from '../../src/protocol/dht/index.ts'
import { clientsRequired } from '../support/clients/all.ts'
import { libtorrent, python } from '../support/clients/libtorrent.ts'
import { freePort } from '../support/ports.ts'
import type { Program } from '../support/program.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/wait.ts'

const SCRIPT = fileURLToPath(new URL('../support/clients/libtorrent-dht.py', import.meta.url))
const NODES = 20
/** They come to know each other at the pace of refreshes. */
const PATIENCE_MS = 240_000
const isLeftOut = libtorrent.found() === null && !clientsRequired

test.skipIf(isLeftOut)(
  'twenty nodes of libtorrent and twenty of ours are one network',
  async (context: TestContext) => {
    const stage = openStage(context)
    const port = await freePort()
    const ours = await openOurs(stage, port)
    const theirs = await openTheirs(stage, port)
    // Of forty nodes a table has room for some 25, by chance for fewer; of our own twenty for 19 at most.
    const known = (): number => ours.reduce((sum, { nodes }) => sum + nodes, 0)
    await until('ours know each other and some of theirs', () => known() >= 20 * NODES, PATIENCE_MS)

    // What is announced by ours is found by theirs, and the other way round.
    const [first, second] = ['11', '22'].map((digits) => digits.repeat(20))
    const [announced] = await ours[3].findPeers(fromHex(first)!, { announce: { port: 4001 } }).done
    expect(announced.announcedTo).toBeGreaterThanOrEqual(8)
    expect(await ask(theirs, `peers 5 ${first}`, 'peers')).toBe('127.0.1.4:4001')
    await ask(theirs, `announce 7 ${second}`, 'announced')
    const found = new Set<string>()
    await until(
      'ours find what theirs have announced',
      async () => {
        const onPeers = (peers: readonly Parameters<typeof addressKey>[0][]): void => {
          for (const peer of peers) found.add(addressKey(peer))
        }
        await ours[9].findPeers(fromHex(second)!, { onPeers }).done
        return found.size > 0
      },
      PATIENCE_MS,
    )
    expect([...found]).toEqual([`127.0.2.8:${port}`])

    // And so are items.
    const item = { kind: 'immutable', value: encodeUtf8('11:ours-is-put') } as const
    const [put] = await ours[2].putItem(item).done
    expect(put.storedBy).toBeGreaterThanOrEqual(8)
    expect(await ask(theirs, `get 11 ${toHex(itemTarget(item))}`, 'got')).toBe('ours-is-put')
    const target = await ask(theirs, 'put 13 theirs-is-put', 'put')
    const [got] = await ours[17].getItem(fromHex(target)!).done
    expect(decodeUtf8(got.item!.value)).toBe('13:theirs-is-put')
    // Each answers a ping of ours, too.
    const reply = await ours[0].ask(ipAddress('127.0.2.1', port), { method: 'ping' })
    expect(reply.id).toHaveLength(20)
  },
  2 * PATIENCE_MS,
)

async function openOurs(stage: Stage, port: number): Promise<DhtNode[]> {
  const platform = createNodePlatform({ workers: 0 })
  const nodes: DhtNode[] = []
  for (let i = 1; i <= NODES; i++) {
    const node = await DhtNode.open(platform, { bind: `127.0.1.${i}`, port })
    if (i > 1) node.addNode(ipAddress('127.0.1.1', port))
    nodes.push(node)
  }
  const stop = platform.clock.every(100, () => {
    for (const node of nodes) node.tick(platform.clock.now())
  })
  stage.onEnd(() => {
    stop()
    for (const node of nodes) node.close()
    return platform.disk.close()
  })
  return nodes
}

async function openTheirs(stage: Stage, port: number): Promise<Program> {
  const ips = Array.from({ length: NODES }, (_, i) => `127.0.2.${i + 1}`)
  const argv = [python, SCRIPT, String(port), '127.0.1.1', String(port), ...ips]
  const program = stage.start('libtorrent DHT', argv, { env: { PYTHONUNBUFFERED: '1' } })
  await program.line(/^ready$/, PATIENCE_MS)
  return program
}

/** What follows `word` in the line that answers. Each question of a test has a word of its own. */
async function ask(program: Program, question: string, word: string): Promise<string> {
  program.say(question)
  const [, rest] = await program.line(new RegExp(`^${word} ?(.*)$`), PATIENCE_MS)
  return rest
}
