import { describe, expect, test } from 'vitest'
import { settled } from '../../../tests/support/fake-clock.ts'
import { FakeDisk, type FakeDiskOptions } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { readWire } from '../../../tests/support/wire-log.ts'
import { toHex } from '../../base/bytes.ts'
import { StorageError } from '../../base/errors.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { encodeHandshake } from '../../protocol/wire/handshake.ts'
import { contentLayout } from '../storage/content-layout.ts'
import { ReadCache } from '../storage/read-cache.ts'
import { RateLimiter } from '../transport/rate-limiter.ts'
import { UploadQueue } from './peer/upload-queue.ts'
import { Upload, type UploadPeer } from './upload.ts'

const BLOCK = 16_384
/** 40 blocks: a piece is read in runs of 16, 16 and 8. */
const PIECE = 40 * BLOCK
const payload = Payload.file('upload', 2 * PIECE + 2 * BLOCK + 100)
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/d' })
const handshake = encodeHandshake(new Uint8Array(20), new Uint8Array(20), { extensions: true, fast: true })

interface WorldOptions extends FakeDiskOptions {
  /** Bytes per second; 0: no limit. */
  readonly rate?: number
}

class World {
  readonly disk: FakeDisk
  readonly cache: ReadCache
  readonly errors: string[] = []
  sent = 0
  now = 0
  readonly limiter: RateLimiter

  constructor({ rate = 0, ...options }: WorldOptions = {}) {
    this.disk = new FakeDisk({ frameBlocks: 16, ...options })
    this.disk.put(layout.root, payload.read(0, payload.size))
    this.cache = new ReadCache(this.disk)
    this.limiter = new RateLimiter(rate)
  }

  /** A torrent with the content; all torrents share the cache and the rate. */
  torrent(): Upload<Peer> {
    const source = { map, volume: this.disk.volume(), spans: layout.spans }
    return new Upload<Peer>(source, this.cache, this.limiter, () => this.now, {
      onReadFailed: (error) => this.errors.push(error.message),
      onSent: (bytes) => (this.sent += bytes),
    })
  }
}

/** A peer whose socket takes bytes when the test says so. */
class Peer implements UploadPeer {
  readonly uploads = new UploadQueue()
  queuedBytes = 0
  upRate = 0
  /** Blocks that arrived at the other end: `1:16384`. */
  readonly received: string[] = []
  #untaken: { readonly framed: Uint8Array; readonly onTaken: () => void }[] = []
  writes = 0

  want(...blocks: number[]): this {
    for (const block of blocks)
      this.uploads.push(map.pieceOfBlock(block), map.blockBegin(block), map.blockLength(block))
    return this
  }

  sendBlocks(framed: Uint8Array, _payloadBytes: number, onTaken: () => void): void {
    this.writes++
    this.queuedBytes += framed.length
    this.#untaken.push({ framed, onTaken })
  }

  /** The socket takes all that waits; what arrives is compared with the content. */
  take(): void {
    const taken = this.#untaken
    this.#untaken = []
    this.queuedBytes = 0
    for (const { framed } of taken) {
      for (const line of readWire([handshake, framed]).slice(2)) {
        const [, piece, begin, hex] = /^piece (\d+):(\d+) (.*)$/.exec(line)!
        const right = toHex(payload.read(Number(piece) * PIECE + Number(begin), hex.length / 2))
        this.received.push(hex === right ? `${piece}:${begin}` : 'wrong bytes')
      }
    }
    for (const { onTaken } of taken) onTaken()
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const names = (blocks: readonly number[]): string[] =>
  blocks.map((block) => `${map.pieceOfBlock(block)}:${map.blockBegin(block)}`)

/** Goes on until nothing moves any more. */
async function finish(upload: Upload<Peer>, ...peers: Peer[]): Promise<void> {
  for (let round = 0; round < 50; round++) {
    for (const peer of peers) {
      upload.pump(peer)
      await settled()
      peer.take()
    }
  }
}

describe('what was asked for', () => {
  test('is sent in the order of the requests, a row of blocks in one write', async () => {
    const world = new World()
    const upload = world.torrent()
    const peer = new Peer().want(...range(0, 4), 50, 7)
    upload.pump(peer)
    await settled()
    expect(peer.writes).toBe(1)
    await finish(upload, peer)
    expect(peer.received).toEqual(names([...range(0, 4), 50, 7]))
    expect(world.sent).toBe(6 * BLOCK)
  })

  test('is sent across runs and pieces, the last short block too', async () => {
    const upload = new World().torrent()
    const peer = new Peer().want(...range(10, 83))
    await finish(upload, peer)
    expect(peer.received).toEqual(names(range(10, 83)))
  })

  test.each([
    ['part of a block', 0, 100, 1000],
    ['across two blocks', 0, BLOCK - 10, 20],
    ['across two runs', 1, 15 * BLOCK, 2 * BLOCK],
    ['the largest that clients make', 1, 5, 131_072],
    ['the last byte', 2, 2 * BLOCK + 99, 1],
  ])('may be no block of ours: %s', async (_, piece, begin, length) => {
    const upload = new World().torrent()
    const peer = new Peer()
    peer.uploads.push(piece, begin, length)
    peer.want(0)
    await finish(upload, peer)
    expect(peer.received).toEqual([`${piece}:${begin}`, '0:0'])
  })

  test('waits while the socket is full', async () => {
    const upload = new World().torrent()
    const peer = new Peer().want(...range(0, 16))
    upload.pump(peer)
    await settled()
    const atOnce = 16 - peer.uploads.length
    expect(atOnce).toBeLessThanOrEqual(5)
    upload.pump(peer)
    expect(16 - peer.uploads.length).toBe(atOnce)
    peer.take()
    upload.pump(peer)
    expect(16 - peer.uploads.length).toBeGreaterThan(atOnce)
  })

  test('goes to a fast peer in large batches', async () => {
    const upload = new World({ frameBlocks: 64 }).torrent()
    const peer = new Peer().want(...range(0, 40))
    peer.upRate = 100 << 20
    await finish(upload, peer)
    expect(peer.received).toHaveLength(40)
    expect(peer.writes).toBeLessThanOrEqual(3)
  })

  test('by two peers is read once', async () => {
    const world = new World()
    const upload = world.torrent()
    const [first, second] = [new Peer().want(...range(0, 4)), new Peer().want(...range(0, 4))]
    upload.pump(first)
    upload.pump(second)
    await settled()
    expect(world.disk.operations).toHaveLength(1)
    await finish(upload, first, second)
    expect([first.received, second.received]).toEqual([names(range(0, 4)), names(range(0, 4))])
  })
})

describe('the rate', () => {
  /** Lets the heartbeat go on for so long, with sockets that take everything at once. */
  async function beat(world: World, upload: Upload<Peer>, peers: readonly Peer[], ms: number): Promise<void> {
    for (const peer of peers) upload.pump(peer)
    for (const end = world.now + ms; world.now < end; world.now += 100) {
      upload.tick()
      upload.shareOut(Infinity, world.now)
      await settled()
      for (const peer of peers) {
        peer.take()
        upload.pump(peer)
      }
    }
  }

  test('is kept: what it does not allow goes out with a later heartbeat', async () => {
    const world = new World({ rate: 10 * BLOCK })
    const upload = world.torrent()
    const peer = new Peer().want(...range(0, 80))
    await beat(world, upload, [peer], 5000)
    expect(peer.received.length).toBeGreaterThanOrEqual(48)
    expect(peer.received.length).toBeLessThanOrEqual(53)
  })

  test('is granted in turn: after any time all have got the same, but for a block', async () => {
    const world = new World({ rate: 5 * BLOCK })
    const upload = world.torrent()
    const peers = range(0, 4).map((i) => new Peer().want(...range(20 * i, 20 * i + 20)))
    for (let second = 0; second < 6; second++) {
      await beat(world, upload, peers, 1000)
      const got = peers.map((peer) => peer.received.length)
      expect(Math.max(...got) - Math.min(...got)).toBeLessThanOrEqual(1)
    }
    expect(peers.reduce((sum, peer) => sum + peer.received.length, 0)).toBeGreaterThanOrEqual(28)
  })

  test('that was granted to one who left, or wants nothing any more, goes to others', async () => {
    const world = new World({ rate: 10 * BLOCK })
    world.disk.isHeld = true
    const upload = world.torrent()
    const [leaving, sated] = [new Peer().want(0), new Peer().want(40)]
    for (const peer of [leaving, sated]) upload.pump(peer)
    world.now += 200
    upload.tick()
    // Both wait for the disk with what they were granted.
    expect(upload.shareOut(Infinity, world.now)).toBe(2 * BLOCK)
    const debt = world.limiter.available(world.now)
    upload.forget(leaving)
    sated.uploads.clear()
    upload.tick()
    expect(world.limiter.available(world.now)).toBe(debt + 2 * BLOCK)
  })

  test('lets all through at once when it is lifted', async () => {
    const world = new World({ rate: 1 })
    const upload = world.torrent()
    const peer = new Peer().want(...range(0, 10))
    await beat(world, upload, [peer], 1000)
    expect(upload.isHeldByRate).toBe(true)
    world.limiter.setRate(0, world.now)
    upload.tick()
    await finish(upload, peer)
    expect([upload.isHeldByRate, peer.received.length]).toEqual([false, 10])
  })

  test('is shared: nobody waits for ever', async () => {
    const world = new World({ rate: PIECE })
    const upload = world.torrent()
    const peers = range(0, 4).map((i) => new Peer().want(...range(20 * i, 20 * i + 20)))
    await beat(world, upload, peers, 3000)
    expect(peers.map((peer) => peer.received.length)).toEqual([20, 20, 20, 20])
  })
})

describe('when memory is short', () => {
  test('a frame that a socket sends from is not used for something else', async () => {
    const world = new World({ frameCount: 1 })
    const upload = world.torrent()
    const peer = new Peer().want(0, 40, 0, 40)
    await finish(upload, peer)
    expect(peer.received).toEqual(names([0, 40, 0, 40]))
  })

  test('who waits for a frame is served when one is free, of whichever torrent it was', async () => {
    const world = new World({ frameCount: 1 })
    const [busy, waiting] = [world.torrent(), world.torrent()]
    const [first, second] = [new Peer().want(0), new Peer().want(0)]
    busy.pump(first)
    await settled()
    waiting.pump(second)
    first.take()
    waiting.tick()
    await settled()
    second.take()
    expect(second.received).toEqual(['0:0'])
  })

  test('answers put together from several blocks are a MiB in all, and who waits for that gets it in turn', async () => {
    const world = new World({ frameCount: 8 })
    const uploads = [world.torrent(), world.torrent()]
    const peers = range(0, 12).map(() => new Peer())
    for (const peer of peers) peer.uploads.push(0, 100, 131_072)
    const pump = async (): Promise<void> => {
      for (const [i, peer] of peers.entries()) uploads[i % 2].pump(peer)
      await settled()
    }
    await pump()
    await pump()
    const queued = (): number => peers.reduce((bytes, peer) => bytes + peer.queuedBytes, 0)
    expect(queued()).toBe(8 * (13 + 131_072))
    for (const peer of [...peers, ...peers]) peer.take()
    expect(peers.map((peer) => peer.received)).toEqual(peers.map(() => ['0:100']))
  })

  test('nobody is forgotten, even when the one who was woken needs no frame any more', async () => {
    const world = new World({ frameCount: 1 })
    const upload = world.torrent()
    const [first, choked, third] = [new Peer().want(0), new Peer().want(16), new Peer().want(40)]
    upload.pump(first)
    await settled()
    upload.pump(choked)
    upload.pump(third)
    choked.uploads.clear()
    first.take()
    upload.tick()
    await settled()
    third.take()
    expect(third.received).toEqual(['1:0'])
  })
})

describe('when a peer has gone', () => {
  test('what was being read for it is sent to nobody', async () => {
    const world = new World()
    const upload = world.torrent()
    const peer = new Peer().want(0)
    world.disk.isHeld = true
    upload.pump(peer)
    peer.uploads.clear()
    upload.forget(peer)
    world.disk.goAll()
    await settled()
    expect(peer.writes).toBe(0)
  })

  test('the others who waited for the same are served', async () => {
    const world = new World()
    const upload = world.torrent()
    const [gone, staying] = [new Peer().want(0), new Peer().want(0)]
    world.disk.isHeld = true
    upload.pump(gone)
    upload.pump(staying)
    upload.forget(gone)
    world.disk.goAll()
    await settled()
    staying.take()
    expect([gone.writes, staying.received]).toEqual([0, ['0:0']])
  })
})

test('a disk that cannot be read is told, and costs no memory', async () => {
  const world = new World()
  const upload = world.torrent()
  world.disk.isHeld = true
  upload.pump(new Peer().want(0))
  world.disk.held[0].fail(new StorageError('io_error', 'Cannot read', layout.root))
  await settled()
  expect([world.errors, world.disk.freeFrames]).toEqual([['Cannot read'], 4])
})

test('any number of peers asking for anything get it, with few frames, and all frames are free in the end', async () => {
  const world = new World({ frameCount: 3 })
  const upload = world.torrent()
  const peers = range(0, 6).map((i) => new Peer().want(...range(0, 25).map((k) => (i * 31 + k * 37) % 80)))
  await finish(upload, ...peers)
  for (const peer of peers) expect(peer.received).toHaveLength(25)
  world.cache.forgetAll(upload.source)
  expect(world.disk.freeFrames).toBe(3)
})
