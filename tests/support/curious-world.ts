// The world around one client: a tracker, a seed that offers every other way to find peers, and ears wherever a client might
// speak of its torrent. Writes a line of JSON for all that it is told. Run within a network of its own:
//   curious-world.ts IP private|public
// Ports: 7000 the tracker, 7001 the seed, 7002 a DHT node, 7003 a peer known by PEX alone, 7004 one known by LSD alone.
import { createSocket } from 'node:dgram'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { bencode } from './bencode.ts'
import { CURIOUS_TORRENT } from './curious-torrent.ts'
import { Conversation, Message } from './wire-peer.ts'

const [ip, kind] = process.argv.slice(2)
const torrent = CURIOUS_TORRENT[kind as 'private' | 'public']
const [TRACKER, SEED, DHT, PEX_PEER, LSD_PEER] = [7000, 7001, 7002, 7003, 7004]
const [PORT, EXTENDED] = [9, 20]
const LSD_PORT = 6771

function heard(ear: string, what: string): void {
  process.stdout.write(`${JSON.stringify({ ear, what })}\n`)
}

function compact(port: number): Buffer {
  return Buffer.from([...ip.split('.').map(Number), port >> 8, port & 0xff])
}

createHttpServer((request, response) => {
  heard('tracker', String(request.url))
  response.end(bencode({ interval: 30, 'min interval': 10, peers: compact(SEED) }))
}).listen(TRACKER, ip)

createServer((socket) => {
  const talk = new Conversation(socket, torrent, {
    open: (talk) => {
      // It knows extensions (BEP 10) and the DHT (BEP 5).
      talk.handshake(Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0x01]))
      const extensions = bencode({ m: { ut_metadata: 2, ut_pex: 1 }, metadata_size: 100, p: SEED })
      talk.send(EXTENDED, Buffer.concat([Buffer.from([0]), extensions]))
      talk.send(Message.bitfield, talk.fullBitfield())
      talk.send(PORT, Buffer.from([DHT >> 8, DHT & 0xff]))
    },
    handshake: (_, reserved) => heard('seed', reserved[7] & 1 ? 'knows the DHT' : 'does not know the DHT'),
    message: (talk, id, payload) => {
      if (id === PORT) heard('seed', 'names its DHT port')
      if (id !== EXTENDED || payload[0] !== 0) return
      const text = payload.toString('latin1')
      const pexId = /6:ut_pexi(\d+)e/.exec(text)?.[1] ?? '0'
      heard('seed', pexId === '0' ? 'does not want PEX' : 'wants PEX')
      // Whether it is wanted or not.
      const added = bencode({ added: compact(PEX_PEER), 'added.f': Buffer.from([0]) })
      talk.send(EXTENDED, Buffer.concat([Buffer.from([Number(pexId) || 1]), added]))
    },
  })
  socket.on('end', () => talk.close())
}).listen(SEED, ip)

for (const [ear, port] of [
  ['pex', PEX_PEER],
  ['lsd', LSD_PEER],
] as const) {
  createServer((socket) => {
    heard(ear, `a peer that is known by ${ear} alone is dialled`)
    socket.on('error', () => {})
    socket.destroy()
  }).listen(port, ip)
}

const node = createSocket('udp4', (datagram) => heard('dht', datagram.toString('latin1').slice(0, 100)))
node.bind(DHT, ip)

const neighbour = createSocket({ type: 'udp4', reuseAddr: true }, (datagram, { address }) => {
  if (address !== ip) heard('lsd', datagram.toString('latin1').slice(0, 100))
})
neighbour.bind(LSD_PORT, () => {
  const group = '239.192.152.143'
  neighbour.addMembership(group, ip)
  neighbour.setMulticastInterface(ip)
  const lines = ['BT-SEARCH * HTTP/1.1', `Host: ${group}:${LSD_PORT}`, `Port: ${LSD_PEER}`]
  const message = [...lines, `Infohash: ${torrent.infohash.toString('hex')}`, '', '', ''].join('\r\n')
  setInterval(() => neighbour.send(message, LSD_PORT, group), 1000)
  heard('world', 'ready')
})
