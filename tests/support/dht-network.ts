// Run by a test: nodes of a DHT, one at each of the given addresses, in one process. Says `ready`, and ends when its input does.
//   dht-network.ts PORT IP...
import { openDht } from '../../src/index.ts'

const [port, ...ips] = process.argv.slice(2)
const routers = [`${ips[0]}:${port}`]
await Promise.all(ips.map((bind) => openDht({ bind, port: Number(port), routers, state: false })))
console.log('ready')
process.stdin.resume().on('end', () => process.exit())
