// A WebTorrent peer for tests: webtorrent-peer.mjs seed|leech TORRENT FOLDER PORT
// Prints `ready` and `done`; ends when its input closes.
import { readFileSync } from 'node:fs'
import WebTorrent from 'webtorrent'

const [mode, torrentFile, folder, port] = process.argv.slice(2)
const client = new WebTorrent({
  torrentPort: Number(port),
  maxConns: 200,
  // Nothing but the tracker and TCP on loopback.
  dht: false,
  lsd: false,
  natUpnp: false,
  natPmp: false,
  utp: false,
  utPex: false,
  webSeeds: false,
  // In the clear: an encrypted opening it would repeat for ever, without another try in the clear.
  secure: 0,
})
client.on('error', (error) => {
  console.error(error)
  process.exit(1)
})

const torrent = client.add(readFileSync(torrentFile), { path: folder, skipVerify: mode === 'seed' })
torrent.on('ready', () => console.log('ready'))
torrent.on('done', () => console.log('done'))
torrent.on('warning', (warning) => console.error('warning:', warning.message ?? warning))

process.stdin.on('end', () => process.exit(0)).resume()
process.on('SIGTERM', () => process.exit(0))
