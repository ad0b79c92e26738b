// The tracker client of npm's bittorrent-tracker for tests: tracker-client.mjs URL INFOHASH PORT
// Reads commands, a line each (start, complete, update, scrape, stop); prints what it hears as lines of JSON. Ends when its input closes.
import { createInterface } from 'node:readline'
import Client from 'bittorrent-tracker'

const [url, infoHash, port] = process.argv.slice(2)
const client = new Client({ infoHash, peerId: Buffer.from(`-BT0001-${port.padStart(12, '0')}`), announce: [url], port })
const say = (event, rest = {}) => console.log(JSON.stringify({ event, ...rest }))

client.on('error', (error) => say('error', { message: error.message }))
client.on('warning', (error) => say('warning', { message: error.message }))
client.on('update', ({ complete, incomplete }) => say('update', { complete, incomplete }))
client.on('scrape', ({ complete, incomplete, downloaded }) => say('scrape', { complete, incomplete, downloaded }))
client.on('peer', (address) => say('peer', { address }))

const commands = {
  start: () => client.start({ left: 1000 }),
  complete: () => client.complete({ left: 0 }),
  update: () => client.update({ left: 0 }),
  scrape: () => client.scrape(),
  stop: () => client.stop(),
}
createInterface({ input: process.stdin })
  .on('line', (command) => commands[command]())
  .on('close', () => process.exit(0))
