// Takes part in a group of each family on a bound network, sends to it once, and writes what it hears.
// node multicast.mjs BIND
import { createNodeNetwork } from '../../dist/platform/node/node-network.js'

const network = createNodeNetwork({ bind: process.argv[2] })
for (const [ip, group] of [
  ['0.0.0.0', '239.192.152.143'],
  ['::', 'ff15::efc0:988f'],
]) {
  const socket = await network.openUdp({ ip, port: 6771, group }, (_datagram, from) => {
    process.stdout.write(`heard ${from.ip}\n`)
    socket.close()
  })
  socket.send(Uint8Array.of(1), { kind: 'ip', ip: group, port: 6771 })
}
