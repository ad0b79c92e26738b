// What does a GiB over TCP cost, in CPU of this process, received and sent through platform/node?
// The other side is a process of its own. Run: npx tsx bench/tcp.ts [GiB per line, default 2]
import { fork } from 'node:child_process'
import { ipAddress } from '../src/base/address.ts'
import { NodeDisk } from '../src/platform/node/disk.ts'
import type { Receiving } from '../src/platform/node/tcp-connection.ts'
import { connectTcp, listenTcp } from '../src/platform/node/tcp.ts'
import type { Connection, ConnectionHandler } from '../src/platform/platform.ts'

const GIB = 1 << 30
const RUN_BYTES = 64 * 16_397

/** What a side does with its connections: send until closed, or swallow. */
type Role = 'send' | 'swallow'

const silent: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }

function sendForEver(connection: Connection, write: (connection: Connection) => void): ConnectionHandler {
  return {
    ...silent,
    onOpen: () => write(connection),
    onDrain: () => write(connection),
  }
}

/** One subarray of a frame, as a run of consecutive requests is served. */
const run = new Uint8Array(RUN_BYTES)
const writeRun = (connection: Connection): void => connection.write(run)

/** The same bytes as 64 headers and 64 blocks, as scattered requests are. */
const writePairs = (connection: Connection): void => {
  connection.cork()
  for (let at = 0; at < RUN_BYTES; at += 16_397) {
    connection.write(run.subarray(at, at + 13))
    connection.write(run.subarray(at + 13, at + 16_397))
  }
  connection.uncork()
}

async function peer(role: Role): Promise<void> {
  const listener = await listenTcp({ ip: '127.0.0.1', port: 0 }, (connection) => {
    if (role === 'swallow') return silent
    writeRun(connection)
    return sendForEver(connection, writeRun)
  })
  process.send!(listener.port)
}

async function measure(
  name: string,
  count: number,
  bytes: number,
  role: Role,
  open: (port: number, progress: (bytes: number) => void) => Connection,
): Promise<void> {
  const child = fork(import.meta.filename, ['peer', role])
  const port = await new Promise<number>((resolve) => child.once('message', (port) => resolve(port as number)))
  let done = 0
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const warmUp = bytes / 4
  let startedAt = 0
  let cpu = process.cpuUsage()
  const connections = Array.from({ length: count }, () =>
    open(port, (length) => {
      done += length
      if (startedAt === 0 && done >= warmUp) {
        startedAt = performance.now()
        cpu = process.cpuUsage()
        done = 0
      } else if (startedAt !== 0 && done >= bytes) finish()
    }),
  )
  await finished
  const seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(cpu)
  for (const connection of connections) connection.close()
  child.kill()
  await new Promise((resolve) => child.once('exit', resolve))
  const rate = (done / seconds / 1e9).toFixed(2)
  const cost = ((used.user + used.system) / 1e6 / (done / GIB)).toFixed(2)
  console.log(`${name.padEnd(34)} ${String(count).padStart(3)} connections  ${rate} GB/s  ${cost} CPU s/GiB`)
}

function receive(receiving: Receiving) {
  const disk = new NodeDisk({ workers: 0, slotCount: 64 })
  const slots = Array.from({ length: 64 }, () => disk.takeSlot())
  let at = 0
  return (port: number, progress: (bytes: number) => void): Connection => {
    const handler: ConnectionHandler = {
      ...silent,
      onBytes(chunk) {
        for (let begin = 0; begin < chunk.length; begin += 16_384) {
          const block = chunk.subarray(begin, begin + 16_384)
          disk.fillSlot(slots[(at >> 4) & 63], (at & 15) * 16_384, block)
          at++
        }
        progress(chunk.length)
      },
    }
    return connectTcp(ipAddress('127.0.0.1', port), {}, handler, receiving)
  }
}

function send(write: (connection: Connection) => void) {
  return (port: number, progress: (bytes: number) => void): Connection => {
    let connection: Connection | null = null
    const handler: ConnectionHandler = {
      ...silent,
      onOpen: () => write(connection!),
      onDrain() {
        progress(RUN_BYTES)
        write(connection!)
      },
    }
    connection = connectTcp(ipAddress('127.0.0.1', port), {}, handler)
    return connection
  }
}

if (process.argv[2] === 'peer') await peer(process.argv[3] as Role)
else {
  const bytes = Number(process.argv[2] ?? 2) * GIB
  for (const count of [1, 8]) {
    await measure('receive, shared buffer, into slots', count, bytes, 'send', receive('shared'))
    await measure("receive, 'data' events, into slots", count, bytes, 'send', receive('events'))
    await measure('send, runs of 1 MiB', count, bytes, 'swallow', send(writeRun))
    await measure('send, 64 corked pairs', count, bytes, 'swallow', send(writePairs))
  }
}
