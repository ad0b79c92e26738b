// Announces to a tracker as fast as it answers, over UDP or over HTTP on connections that stay open, by random peers of random torrents.
// Each answer is looked at. A process of its own: its work must not count as the tracker's.
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { infohashText, PEERS_PER_TORRENT, TORRENTS, type LoadReport, type LoadTask } from './load-task.ts'

const IN_FLIGHT = { udp: 64, http: 32 }
const HOST = '127.0.0.1'
const PEER_ID = '-LD0001-abcdefghijkl'
const task = JSON.parse(process.argv[2]) as LoadTask

let started = 0
let answers = 0
let bytes = 0

const below = (limit: number): number => Math.floor(Math.random() * limit)
const portOf = (peer: number): number => 1024 + peer
/** A tenth are seeders. */
const leftOf = (peer: number): number => (peer % 10 === 0 ? 0 : 123_456_789)

/** True while announces are to be started. */
function begin(): boolean {
  if (started === task.announces) return false
  started++
  return true
}

function finished(length: number): void {
  answers++
  bytes += length
  if (answers === task.announces) process.send!({ answers, bytes } satisfies LoadReport, () => process.exit())
}

function udp(): void {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, callback) => callback(null, host, 4) })
  const infohashes = Array.from({ length: TORRENTS }, (_, torrent) => Buffer.from(infohashText(torrent), 'hex'))
  let id: Buffer | null = null
  let lastAnswer = performance.now()
  const askForId = (): void => {
    const datagram = Buffer.alloc(16)
    datagram.writeBigUInt64BE(0x41727101980n)
    socket.send(datagram, task.port, HOST)
  }
  const announce = (): void => {
    if (id === null || !begin()) return
    const peer = below(PEERS_PER_TORRENT)
    const datagram = Buffer.alloc(98)
    id.copy(datagram)
    datagram.writeUInt32BE(1, 8)
    infohashes[below(TORRENTS)].copy(datagram, 16)
    datagram.write(PEER_ID, 36, 'latin1')
    datagram.writeUInt32BE(leftOf(peer), 68)
    datagram.writeInt32BE(50, 92)
    datagram.writeUInt16BE(portOf(peer), 96)
    socket.send(datagram, task.port, HOST)
  }
  const fill = (): void => {
    for (let i = 0; i < IN_FLIGHT.udp; i++) announce()
  }
  socket.on('message', (answer) => {
    lastAnswer = performance.now()
    const action = answer.readUInt32BE(0)
    if (action === 0) {
      id = answer.subarray(8, 16)
      fill()
    } else if (action === 1 && (answer.length - 20) % 6 === 0) {
      finished(answer.length)
      announce()
    } else throw new Error(`The tracker answered ${answer.toString('latin1')}`)
  })
  socket.bind(0, HOST, askForId)
  // What was lost on the way is asked again, as others.
  setInterval(() => {
    if (performance.now() - lastAnswer < 300) return
    if (id === null) return askForId()
    started = answers
    fill()
  }, 200)
}

function http(): void {
  const infohashes = Array.from({ length: TORRENTS }, (_, torrent) => infohashText(torrent).replaceAll(/../g, '%$&'))
  const open = (): void => {
    const socket = connect(task.port, HOST)
    let head = ''
    let missing = -1
    let length = 0
    const announce = (): void => {
      if (!begin()) return
      const peer = below(PEERS_PER_TORRENT)
      const query = `info_hash=${infohashes[below(TORRENTS)]}&peer_id=${PEER_ID}&port=${portOf(peer)}`
      const figures = `uploaded=0&downloaded=0&left=${leftOf(peer)}&compact=1&numwant=50`
      socket.write(
        `GET /announce?${query}&${figures} HTTP/1.1\r\nHost: ${HOST}:${task.port}\r\nUser-Agent: Load/1.0\r\nAccept-Encoding: gzip\r\n\r\n`,
      )
    }
    socket.on('connect', announce)
    socket.on('data', (chunk) => {
      length += chunk.length
      if (missing >= 0) missing -= chunk.length
      else {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        const body = head.length - end - 4
        if (!head.includes('5:peers')) throw new Error(`The tracker answered ${head}`)
        missing = Number(/content-length: *(\d+)/i.exec(head)![1]) - body
      }
      if (missing > 0) return
      finished(length)
      head = ''
      missing = -1
      length = 0
      announce()
    })
    // Whoever closes after each answer is dialled again; an announce that was on its way counts as not begun.
    socket.on('error', () => {})
    socket.on('close', () => {
      if (started > answers) started--
      setTimeout(open, started === 0 ? 50 : 0)
    })
  }
  for (let i = 0; i < IN_FLIGHT.http; i++) open()
}

if (task.protocol === 'udp') udp()
else http()
