// Magnet links that say nothing but an infohash: who has the content is a real client, and it is found by local discovery alone,
// or by the DHT alone. In a network of the test's own, because clients do not speak of loopback addresses there.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, type TestContext } from 'vitest'
import { clients, clientsRequired } from '../support/clients/all.ts'
import { STARTS } from '../support/clients/on-network.ts'
import { NetSpace, NoNamespaces } from '../support/net-space.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { startShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'

const CLIENT_IP = '10.1.0.1'
const CLIENT_PORT = 7001
/** Some clients speak to nobody in a DHT of fewer nodes, or count one node of each network alone. */
const DHT_IPS = Array.from({ length: 12 }, (_, i) => `10.3.${i}.1`)
const DHT_PORT = 7002
const ROUTER = { ip: DHT_IPS[0], port: DHT_PORT }
const DHT_NETWORK = fileURLToPath(new URL('../support/dht-network.ts', import.meta.url))
/** Runs TypeScript, from whatever folder. */
const TSX = createRequire(import.meta.url).resolve('tsx')
const PATIENCE_MS = 150_000

/** Who has local discovery (BEP 14). */
const LSD_CLIENTS = ['libtorrent', 'transmission', 'aria2']
/** The DHT; for libtorrent see `dht-clients.test.ts`. */
const DHT_CLIENTS = ['transmission', 'aria2', 'rtorrent']

const payload = Payload.file('found content', 1 << 20)

async function openSpace(stage: Stage, context: TestContext): Promise<NetSpace> {
  return NetSpace.open(stage).catch((error: unknown) => {
    if (!(error instanceof NoNamespaces)) throw error
    return context.skip(`the kernel gives no network namespaces here: ${error.message}`)
  })
}

/** What is wrong with that which Shoal gets from this client. */
async function differences(stage: Stage, space: NetSpace, name: string, way: 'lsd' | 'dht'): Promise<string[]> {
  const folder = stage.folder('complete')
  payload.write(folder)
  const content = makeTorrent(payload, 16_384)
  // rtorrent takes no torrent without a tracker; at this one nobody listens.
  const torrent = stage.torrentFile(content, ['http://10.1.0.1:9/announce'])
  const router = way === 'dht' ? ROUTER : null
  STARTS[name]({ stage, where: space.world, ip: CLIENT_IP, port: CLIENT_PORT, torrent, folder, router })

  const downloaded = stage.folder('downloaded')
  const link = `magnet:?xt=urn:btih:${content.infohash.toString('hex')}`
  const ways = way === 'lsd' ? ['--no-dht'] : ['--no-lsd', '--dht-router', `${ROUTER.ip}:${ROUTER.port}`]
  const args = ['download', link, '-o', downloaded, '--json', ...ways]
  await startShoal(stage, args, {}, space.machine).finished(PATIENCE_MS)
  return payload.differences(downloaded)
}

for (const client of clients) {
  const { name } = client
  const version = client.found()
  describe.skipIf(version === null && !clientsRequired)(`${name} ${version ?? '(not found)'}`, () => {
    test.runIf(LSD_CLIENTS.includes(name))('is found by local discovery alone', async (context) => {
      const stage = openStage(context)
      const space = await openSpace(stage, context)
      // Who does not choose an interface for it speaks where its way to multicast leads.
      await space.inWorld('ip route add 239.0.0.0/8 dev world1')
      expect(await differences(stage, space, name, 'lsd')).toEqual([])
    })

    test.runIf(DHT_CLIENTS.includes(name))('is found by the DHT alone', async (context) => {
      const stage = openStage(context)
      const space = await openSpace(stage, context)
      await space.inWorld(
        DHT_IPS.slice(1)
          .map((ip) => `ip addr add ${ip}/32 dev lo`)
          .join('\n'),
      )
      const argv = [process.execPath, '--import', TSX, DHT_NETWORK, String(DHT_PORT), ...DHT_IPS]
      await stage.start('DHT', [...space.world, ...argv]).line(/^ready$/)
      expect(await differences(stage, space, name, 'dht')).toEqual([])
    })
  })
}
