// A name server for tests: it knows one name, tells its addresses, and writes from where it was asked.
// node name-server.mjs NAME IPV4 IPV6 LOCAL-IP...
import { createSocket } from 'node:dgram'

const [name, ipv4, ipv6, ...localIps] = process.argv.slice(2)
const TYPE_A = 1
const TYPE_AAAA = 28

// Each by itself: answers must come from where the question went.
for (const ip of localIps) {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (query, from) => {
    const question = readQuestion(query)
    if (!question) return
    process.stdout.write(`asked ${from.address} ${question.name} ${question.type}\n`)
    socket.send(answer(query, question), from.port, from.address)
  })
  socket.bind(53, ip, () => process.stdout.write(`listening ${ip}\n`))
}

function readQuestion(query) {
  const labels = []
  let at = 12
  while (query[at] > 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]))
    at += query[at] + 1
  }
  return at + 5 > query.length ? null : { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function answer(query, question) {
  const known = question.name === name
  const address = question.type === TYPE_A ? ipv4.split('.').map(Number) : ipv6Bytes()
  const has = known && (question.type === TYPE_A || question.type === TYPE_AAAA)
  const head = Buffer.from([query[0], query[1], 0x84, known ? 0 : 3, 0, 1, 0, has ? 1 : 0, 0, 0, 0, 0])
  const record = [0xc0, 12, 0, question.type, 0, 1, 0, 0, 0, 0, 0, address.length, ...address]
  return Buffer.concat([head, query.subarray(12, question.end), ...(has ? [Buffer.from(record)] : [])])
}

/** Of an address such as `fd03::1`. */
function ipv6Bytes() {
  const [first, last] = ipv6.split('::').map((text) => Number.parseInt(text, 16))
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16BE(first, 0)
  bytes.writeUInt16BE(last, 14)
  return [...bytes]
}
