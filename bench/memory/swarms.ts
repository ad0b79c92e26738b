// The peers of bench/memory.ts: whole sessions that seed, and crowds of cheap ones that keep a client busy.
import { Session } from '../../src/engine/session/session.ts'
import { createNodePlatform } from '../../src/platform/node/node-platform.ts'
import type { Disk, FileSpan, Volume } from '../../src/platform/platform.ts'
import { parseTorrent } from '../../src/protocol/metainfo/torrent-file.ts'
import type { TestTorrent } from '../../tests/support/payload.ts'
import type { Stage } from '../../tests/support/stage.ts'
import {
  type Behaviour,
  type BlockRequest,
  type Conversation,
  Message,
  startPeer,
} from '../../tests/support/wire-peer.ts'

const BLOCK = 16_384
const MIB = 1 << 20

/** Sessions with all of the content, each on an address of its own. Returns where they listen. */
export async function startSeeders(
  stage: Stage,
  torrent: TestTorrent,
  folder: string,
  count: number,
): Promise<string[]> {
  const metainfo = parseTorrent(torrent.file())
  const addresses: string[] = []
  for (let i = 0; i < count; i++) {
    const platform = createNodePlatform({ workers: 0, memory: 16 * MIB })
    const disk = trusting(platform.disk, (span) => {
      const piece = span.offset / torrent.pieceLength
      return metainfo.pieceHashes!.slice(20 * piece, 20 * piece + 20)
    })
    const session = await Session.open({ bind: `127.0.1.${i + 1}`, port: 0 }, { ...platform, disk })
    stage.onEnd(() => session.close())
    session.add(metainfo, { path: folder })
    addresses.push(`127.0.1.${i + 1}:${session.listening[0].port}`)
  }
  return addresses
}

/** A disk whose content is right without a look at it: fifty sessions would look at the same file. */
function trusting(disk: Disk, digestOf: (span: FileSpan) => Uint8Array): Disk {
  const volumeOf = async (path: string): Promise<Volume> =>
    over(await disk.openVolume(path), { hash: async ([span]: readonly FileSpan[]) => digestOf(span) })
  return over(disk, { openVolume: volumeOf })
}

/** The object with some of its methods replaced. */
function over<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name) {
      if (name in methods) return methods[name as keyof Target]
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/**
 * Peers with half of the content each, that send it slowly and in an order of their own, choke and unchoke, get more pieces,
 * are interested and ask for whatever there may be. They dial the client.
 */
export async function startCrowd(stage: Stage, torrent: TestTorrent, address: string, count: number): Promise<void> {
  const peer = await startPeer(stage, torrent, crowded(torrent, 20_000))
  for (let i = 0; i < count; i++) peer.dial(address)
}

/** Peers with nothing, that ask for much at a time and read slowly. */
export async function startLeechers(stage: Stage, torrent: TestTorrent, address: string, count: number): Promise<void> {
  const peer = await startPeer(stage, torrent, leeching(torrent, 50_000))
  for (let i = 0; i < count; i++) peer.dial(address)
}

function crowded(torrent: TestTorrent, bytesPerSecond: number): Behaviour {
  const timers = new Map<Conversation, NodeJS.Timeout>()
  const queues = new Map<Conversation, BlockRequest[]>()
  return {
    open(talk) {
      const queue: BlockRequest[] = []
      queues.set(talk, queue)
      talk.handshake()
      talk.send(Message.bitfield, halfOf(talk.fullBitfield()))
      talk.send(Message.interested)
      let seconds = 0
      const timer = setInterval(() => {
        for (let bytes = 0; bytes < bytesPerSecond && queue.length > 0; bytes += BLOCK) {
          // Not in the order in which they were asked for.
          const [block] = queue.splice(Math.floor(Math.random() * queue.length), 1)
          talk.sendBlock(block)
        }
        talk.send(Message.have, uint32s(Math.floor(Math.random() * torrent.pieceCount)))
        ask(talk, torrent, 20)
        // For three of ten seconds it chokes, and forgets what it was asked for.
        seconds++
        if (seconds % 10 === 7) queue.length = 0
        if (seconds % 10 === 7) talk.send(Message.choke)
        if (seconds % 10 === 0) talk.send(Message.unchoke)
      }, 1000)
      timers.set(talk, timer)
    },
    request(talk, block) {
      queues.get(talk)?.push(block)
    },
    closed(talk) {
      clearInterval(timers.get(talk))
      timers.delete(talk)
      queues.delete(talk)
    },
  }
}

function leeching(torrent: TestTorrent, bytesPerSecond: number): Behaviour {
  const timers = new Map<Conversation, NodeJS.Timeout>()
  return {
    open(talk) {
      talk.handshake()
      talk.send(Message.interested)
      // It reads a chunk, and then nothing for as long as that takes on its line.
      talk.socket.on('data', (chunk) => {
        talk.socket.pause()
        setTimeout(() => talk.socket.resume(), (chunk.length / bytesPerSecond) * 1000)
      })
      timers.set(
        talk,
        setInterval(() => ask(talk, torrent, 100), 1000),
      )
    },
    closed(talk) {
      clearInterval(timers.get(talk))
      timers.delete(talk)
    },
  }
}

/** Half of the requests are for blocks in a row, half for what no client keeps ready: 128 KiB from an odd place. */
function ask(talk: Conversation, torrent: TestTorrent, count: number): void {
  const piece = Math.floor(Math.random() * torrent.pieceCount)
  const room = torrent.pieceLength - 8 * BLOCK
  for (let i = 0; i < count; i++) {
    const isOdd = i % 2 === 1
    const begin = isOdd ? Math.floor(Math.random() * room) : (i % (torrent.pieceLength / BLOCK)) * BLOCK
    talk.send(Message.request, uint32s(piece, begin, isOdd ? 8 * BLOCK : BLOCK))
  }
}

function halfOf(bits: Buffer): Buffer {
  return bits.map((byte) => byte & Math.floor(Math.random() * 256)) as Buffer
}

function uint32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i)
  return bytes
}
