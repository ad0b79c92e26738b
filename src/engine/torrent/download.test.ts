import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { settled } from '../../../tests/support/fake-clock.ts'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { randomSource } from '../../../tests/support/random.ts'
import { Bitfield } from '../../base/bitfield.ts'
import { StorageError } from '../../base/errors.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { contentLayout } from '../storage/content-layout.ts'
import type { Lease } from '../storage/partial-piece.ts'
import { SlotLedger } from '../storage/slot-ledger.ts'
import { type BlockSource, Download } from './download.ts'

const BLOCK = 16_384
/** Four blocks; the disk's slots have room for two. */
const PIECE = 4 * BLOCK

interface WorldOptions {
  /** Bytes of the content. Default: three pieces, and one of a block and 100 bytes. */
  readonly size?: number
  readonly slotCount?: number
  /** One a piece. Default: all alike. */
  readonly priorities?: Uint8Array
  readonly seed?: number
}

/** A torrent on a made-up disk, and what it told its owner. */
class World {
  readonly payload: Payload
  readonly map: PieceMap
  readonly disk: FakeDisk
  readonly path: string
  readonly download: Download<Peer>
  readonly peers = new Set<Peer>()
  readonly stored: number[] = []
  readonly guilty: Peer[] = []
  readonly errors: StorageError[] = []

  constructor({ size = 3 * PIECE + BLOCK + 100, slotCount = 16, priorities, seed = 1 }: WorldOptions = {}) {
    this.payload = Payload.file('download', size)
    const metainfo = parseTorrent(makeTorrent(this.payload, PIECE).file())
    this.map = new PieceMap(metainfo)
    this.disk = new FakeDisk({ slotCount })
    const layout = contentLayout(metainfo, this.map, { path: '/d' })
    this.path = layout.root
    const ledger = new SlotLedger(this.disk)
    const random = randomSource(seed)
    this.download = new Download<Peer>(
      {
        map: this.map,
        layout,
        volume: this.disk.volume(),
        disk: this.disk,
        ledger,
        pieceHashes: metainfo.pieceHashes!,
        below: (limit) => random.below(limit),
        priorities: priorities ?? null,
      },
      {
        onPieceStored: (piece) => this.stored.push(piece),
        onGuilty: (peer) => this.guilty.push(peer),
        onBlockDuplicated: (block) => this.peers.forEach((peer) => peer.asked.delete(block)),
        onStorageFailed: (error) => this.errors.push(error),
        onSlotsFree: () => {},
      },
    )
    ledger.enter(this.download)
  }

  peer(isLiar = false): Peer {
    const peer = new Peer(this, isLiar)
    this.peers.add(peer)
    this.download.picker.peerHas(peer.have)
    return peer
  }

  /** The right bytes of a block. */
  content(block: number): Uint8Array {
    return this.payload.read(block * BLOCK, this.map.blockLength(block))
  }

  isContentRight(): boolean {
    const file = this.disk.files.get(this.path)
    return file !== undefined && Buffer.compare(file, this.payload.read(0, this.payload.size)) === 0
  }
}

/** A peer that has everything, reduced to what a download sees of one. */
class Peer implements BlockSource {
  readonly have: Bitfield
  readonly allowedFast = new Set<number>()
  readonly suggested = new Set<number>()
  isChokingUs = false
  readonly asked = new Set<number>()
  /** It has sent a wrong block that was kept. */
  hasLied = false
  readonly #world: World
  readonly #isLiar: boolean
  #arriving: { readonly block: number; readonly lease: Lease<Peer> | null; sent: number } | null = null

  constructor(world: World, isLiar: boolean) {
    this.#world = world
    this.#isLiar = isLiar
    this.have = Bitfield.full(world.map.pieceCount)
  }

  hasAsked(block: number): boolean {
    return this.asked.has(block)
  }

  etaMs(): number {
    return Infinity
  }

  /** Is asked for up to `room` blocks. Returns them. */
  ask(room: number, endgame = 0): number[] {
    const blocks = this.#world.download.pick(this, room, endgame)
    for (const block of blocks) this.asked.add(block)
    return blocks
  }

  /** Sends half a block, or the other half of one that it has begun. */
  sendHalf(block: number): void {
    const { download } = this.#world
    if (!this.#arriving) {
      const half = this.#content(block).length >> 1
      this.#arriving = { block, lease: download.startBlock(this, block), sent: half }
      if (this.#arriving.lease) download.writeBlock(this.#arriving.lease, this.#content(block).subarray(0, half))
      return
    }
    const { block: begun, lease, sent } = this.#arriving
    this.#arriving = null
    if (lease) download.writeBlock(lease, this.#content(begun).subarray(sent))
    const wasAsked = this.asked.delete(begun)
    const isUseful = lease !== null && download.finishBlock(lease, wasAsked)
    if (isUseful && this.#isLiar) this.hasLied = true
    if (!isUseful && wasAsked) download.picker.requestLost(begun, this)
  }

  /** Sends a whole block. Returns whether it was of use. */
  send(block: number): boolean {
    const before = this.#world.download.wastedBytes
    this.sendHalf(block)
    const isTaken = this.#arriving!.lease !== null
    this.sendHalf(block)
    return isTaken && this.#world.download.wastedBytes === before
  }

  get isSending(): boolean {
    return this.#arriving !== null
  }

  choke(): void {
    const { picker } = this.#world.download
    for (const block of this.asked) picker.requestLost(block, this)
    this.asked.clear()
    picker.disown(this)
  }

  leave(): void {
    if (this.#arriving?.lease) this.#world.download.abandonBlock(this.#arriving.lease)
    this.#arriving = null
    this.choke()
    this.#world.download.picker.peerGone(this.have)
    this.#world.peers.delete(this)
  }

  #content(block: number): Uint8Array {
    const bytes = this.#world.content(block)
    return this.#isLiar ? bytes.map((byte) => byte ^ 0xff) : bytes
  }
}

const blocksOf = (piece: number): number[] => [0, 1, 2, 3].map((index) => 4 * piece + index)

describe('a piece', () => {
  test('is stored when its last block has come, in whatever order', async () => {
    const world = new World()
    const peer = world.peer()
    peer.ask(99)
    for (const block of blocksOf(1).toReversed()) {
      expect(world.download.have.has(1)).toBe(false)
      peer.send(block)
    }
    await settled()
    expect([world.stored, world.download.have.has(1)]).toEqual([[1], true])
    expect(world.disk.operations).toEqual([`commit ${world.path}:${PIECE} ${PIECE}`])
  })

  test('that is the last one, and short, is stored as well; then all memory is back', async () => {
    const world = new World()
    const peer = world.peer()
    for (const block of peer.ask(99)) peer.send(block)
    await settled()
    expect([world.download.isComplete, world.isContentRight(), world.disk.freeSlots]).toEqual([true, true, 16])
  })

  test('may be the only one, of one byte', async () => {
    const world = new World({ size: 1 })
    const peer = world.peer()
    expect(peer.ask(99)).toEqual([0])
    peer.send(0)
    await settled()
    expect([world.download.isComplete, world.isContentRight()]).toEqual([true, true])
  })

  test('that nobody wants is not asked for', async () => {
    const world = new World({ priorities: Uint8Array.of(0, 0, 4, 0) })
    const peer = world.peer()
    expect(peer.ask(99)).toEqual(blocksOf(2))
    expect(world.download.bytesLeft).toBe(PIECE)
    for (const block of blocksOf(2)) peer.send(block)
    await settled()
    expect([world.download.isComplete, world.download.bytesLeft]).toEqual([true, 0])
  })

  test('that was found on disk is neither asked for nor counted as left', () => {
    const world = new World()
    expect(world.download.bytesLeft).toBe(world.payload.size)
    world.download.setHave(3)
    expect(world.download.bytesLeft).toBe(3 * PIECE)
    world.download.setHave(0)
    expect(world.download.bytesLeft).toBe(2 * PIECE)
    expect(
      world
        .peer()
        .ask(99)
        .toSorted((a, b) => a - b),
    ).toEqual([...blocksOf(1), ...blocksOf(2)])
  })
})

describe('what is wanted', () => {
  test('changes: what is under way of pieces that are not any more is thrown away, and whoever owes it is told', async () => {
    const world = new World()
    const peer = world.peer()
    const asked = peer.ask(99)
    peer.send(asked[0])
    const { download } = world
    download.setPriorities(Uint8Array.of(0, 0, 0, 4))
    expect([download.wantedBytes, download.bytesLeft]).toEqual([BLOCK + 100, BLOCK + 100])
    expect([...peer.asked]).toEqual(
      blocksOf(3)
        .slice(0, 2)
        .filter((block) => asked.includes(block)),
    )
    expect(download.isUnderWay(world.map.pieceOfBlock(asked[0]))).toBe(false)
    for (const block of peer.asked) peer.send(block)
    await settled()
    expect([download.isComplete, download.bytesLeft, world.disk.freeSlots]).toEqual([true, 0, 16])

    download.setPriorities(Uint8Array.of(4, 4, 4, 4))
    expect([download.isComplete, download.bytesLeft]).toEqual([false, 3 * PIECE])
    for (const block of peer.ask(99)) peer.send(block)
    await settled()
    expect([download.isComplete, world.isContentRight(), world.disk.freeSlots]).toEqual([true, true, 16])
  })

  test('is asked for in the order of the priorities', () => {
    const world = new World({ priorities: Uint8Array.of(1, 4, 7, 4) })
    const pieces = world
      .peer()
      .ask(99)
      .map((block) => world.map.pieceOfBlock(block))
    expect([pieces[0], pieces.at(-1)]).toEqual([2, 0])
  })

  test('a piece that is on its way to the disk when it is skipped is kept, and counts for nothing', async () => {
    const world = new World({ size: 2 * PIECE })
    const peer = world.peer()
    world.disk.isHeld = true
    const [piece] = [world.map.pieceOfBlock(peer.ask(4)[0])]
    for (const block of peer.asked) peer.send(block)
    world.download.setPriorities(Uint8Array.from([0, 1], (other) => (other === piece ? 0 : 4)))
    world.disk.goAll()
    await settled()
    expect(world.download.have.has(piece)).toBe(true)
    expect([world.download.isComplete, world.download.bytesLeft]).toEqual([false, PIECE])
    // Wanted again, it is there.
    world.download.setPriorities(Uint8Array.of(4, 4))
    expect(world.download.bytesLeft).toBe(PIECE)
  })

  test('a piece that is being written out when it is skipped is kept: it goes on when it is wanted again', async () => {
    const world = new World({ size: 2 * PIECE, slotCount: 2 })
    const [peer, other] = [world.peer(), world.peer()]
    const [first, second] = peer.ask(2)
    peer.send(first)
    peer.send(second)
    peer.choke()
    world.disk.isHeld = true
    other.ask(99)
    await settled()
    const piece = world.map.pieceOfBlock(first)
    const isSpilling = world.disk.held.map(({ kind }) => kind).includes('write')
    world.download.setPriorities(Uint8Array.from([0, 1], (each) => (each === piece ? 0 : 4)))
    expect([isSpilling, world.download.isUnderWay(piece)]).toEqual([true, true])
    world.disk.isHeld = false
    world.disk.goAll()
    await settled()
    let isAlone = false
    void world.download.suspend(piece).then(() => (isAlone = true))
    await settled()
    expect([isAlone, world.download.isUnderWay(piece)]).toEqual([true, false])
  })

  test('a late block of a piece that was thrown away does no harm', async () => {
    const world = new World({ size: PIECE })
    const peer = world.peer()
    const [first] = peer.ask(99)
    peer.sendHalf(first)
    world.download.setPriorities(Uint8Array.of(0))
    peer.sendHalf(first)
    expect(world.disk.freeSlots).toBe(16)
    world.download.setPriorities(Uint8Array.of(4))
    peer.asked.clear()
    for (const block of peer.ask(99)) peer.send(block)
    await settled()
    expect(world.isContentRight()).toBe(true)
  })
})

describe('a piece that is left alone', () => {
  test('is not begun before it is resumed, and what was under way is gone', async () => {
    const world = new World({ size: PIECE })
    const peer = world.peer()
    peer.send(peer.ask(1)[0])
    await world.download.suspend(0)
    expect([peer.ask(99), world.disk.freeSlots]).toEqual([[], 16])
    world.download.resume(0)
    expect(peer.ask(99)).toHaveLength(4)
  })

  test('is waited for while the disk is at work on it', async () => {
    const world = new World({ size: PIECE })
    const peer = world.peer()
    world.disk.isHeld = true
    for (const block of peer.ask(99)) peer.send(block)
    let isAlone = false
    void world.download.suspend(0).then(() => (isAlone = true))
    await settled()
    expect(isAlone).toBe(false)
    world.disk.goAll()
    await settled()
    expect([isAlone, world.download.isComplete]).toEqual([true, true])
  })
})

describe('a wrong piece', () => {
  test('from one peer names it, and is fetched again', async () => {
    const world = new World({ size: PIECE })
    const [liar, honest] = [world.peer(true), world.peer()]
    for (const block of liar.ask(99)) liar.send(block)
    await settled()
    expect([world.guilty, world.stored]).toEqual([[liar], []])
    for (const block of honest.ask(99)) honest.send(block)
    await settled()
    expect([world.guilty, world.isContentRight()]).toEqual([[liar], true])
    expect(world.download.wastedBytes).toBe(PIECE)
  })

  test('from several names the one that lied once it is right, and nobody else', async () => {
    const world = new World({ size: PIECE })
    const [liar, honest] = [world.peer(true), world.peer()]
    for (const block of liar.ask(1)) liar.send(block)
    for (const block of honest.ask(3)) honest.send(block)
    await settled()
    expect(world.guilty).toEqual([])
    for (const block of honest.ask(99)) honest.send(block)
    await settled()
    expect([world.guilty, world.isContentRight()]).toEqual([[liar], true])
  })
})

describe('two peers and one block', () => {
  /** Both were asked for the one block of a torrent. */
  function rivals(isSecondLiar = false) {
    const world = new World({ size: BLOCK })
    const [first, second] = [world.peer(), world.peer(isSecondLiar)]
    first.ask(1)
    second.ask(1, 1)
    return { world, first, second }
  }

  test('who finishes first wins, and the other is told at once', async () => {
    const { world, first, second } = rivals()
    first.sendHalf(0)
    second.sendHalf(0)
    first.sendHalf(0)
    expect(second.hasAsked(0)).toBe(false)
    second.sendHalf(0)
    await settled()
    expect([world.isContentRight(), world.download.wastedBytes]).toEqual([true, BLOCK])
  })

  test('the second writer may overtake the first: then its bytes count, and the blame is its own', async () => {
    const { world, first, second } = rivals(true)
    first.sendHalf(0)
    second.sendHalf(0)
    second.sendHalf(0)
    first.sendHalf(0)
    await settled()
    expect(world.guilty).toEqual([second])
  })

  test('when the first leaves in the middle, the second goes on', async () => {
    const { world, first, second } = rivals()
    first.sendHalf(0)
    second.sendHalf(0)
    first.leave()
    second.sendHalf(0)
    await settled()
    expect(world.isContentRight()).toBe(true)
  })

  test('a third may begin in the place of the first, and be overtaken too', async () => {
    const { world, first, second } = rivals()
    const third = world.peer()
    third.ask(1, 1)
    first.sendHalf(0)
    second.sendHalf(0)
    first.leave()
    third.sendHalf(0)
    second.sendHalf(0)
    third.sendHalf(0)
    await settled()
    expect([world.isContentRight(), world.disk.freeSlots]).toEqual([true, 16])
  })
})

describe('a block that is of no use', () => {
  test('is thrown away: of a piece that was never begun, that is being committed, or that we have', async () => {
    const world = new World()
    const peer = world.peer()
    expect(world.download.startBlock(peer, 8)).toBeNull()
    for (const block of peer.ask(99)) if (block < 4) peer.send(block)
    expect(world.download.startBlock(peer, 0)).toBeNull()
    await settled()
    expect(world.download.startBlock(peer, 0)).toBeNull()
  })

  test('one that was asked of somebody who fell silent is taken when it comes all the same', () => {
    const world = new World()
    const peer = world.peer()
    const [block] = peer.ask(1)
    peer.choke()
    expect(peer.send(block)).toBe(true)
  })
})

describe('memory', () => {
  test('nothing is asked for without a slot for it', () => {
    const world = new World({ slotCount: 2 })
    expect(world.peer().ask(99)).toHaveLength(4)
    expect(world.disk.freeSlots).toBe(0)
  })

  test('when slots are short, finished parts are written out, read back and hashed', async () => {
    const world = new World({ slotCount: 2 })
    const [staying, leaving] = [world.peer(), world.peer()]
    for (const block of leaving.ask(3)) leaving.send(block)
    leaving.leave()
    for (let round = 0; round < 20 && !world.download.isComplete; round++) {
      for (const block of staying.ask(4)) staying.send(block)
      await settled()
    }
    expect([world.isContentRight(), world.disk.freeSlots]).toEqual([true, 2])
  })

  test('one slot is enough', async () => {
    const world = new World({ slotCount: 1 })
    const peer = world.peer()
    for (let round = 0; round < 30 && !world.download.isComplete; round++) {
      for (const block of peer.ask(99)) peer.send(block)
      await settled()
    }
    expect([world.isContentRight(), world.disk.freeSlots]).toEqual([true, 1])
  })

  test('what others left is not held for ever: another torrent gets its slots', async () => {
    const disk = new FakeDisk({ slotCount: 8 })
    const ledger = new SlotLedger(disk)
    const payload = Payload.file('greedy', 4 * PIECE)
    const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
    const map = new PieceMap(metainfo)
    const nobody = { onPieceStored() {}, onGuilty() {}, onBlockDuplicated() {}, onStorageFailed() {}, onSlotsFree() {} }
    const torrent = (path: string): Download<BlockSource> => {
      const layout = contentLayout(metainfo, map, { path })
      const parts = { map, layout, volume: disk.volume(), disk, ledger, pieceHashes: metainfo.pieceHashes! }
      const download = new Download<BlockSource>({ ...parts, below: () => 0, priorities: null }, nobody)
      ledger.enter(download)
      return download
    }
    const source: BlockSource = {
      have: Bitfield.full(4),
      allowedFast: new Set(),
      suggested: new Set(),
      isChokingUs: false,
      hasAsked: () => false,
      etaMs: () => Infinity,
    }
    const greedy = torrent('/greedy')
    for (const block of greedy.pick(source, 99, 0)) greedy.picker.requestLost(block, source)
    greedy.picker.disown(source)
    const late = torrent('/late')
    const asked = late.pick(source, 99, 0).length
    await settled()
    expect(asked + late.pick(source, 99, 0).length).toBeGreaterThanOrEqual(8)
  })
})

describe('the end', () => {
  test('an error of the disk is told; after the stop all memory is back', async () => {
    const world = new World()
    world.disk.isHeld = true
    const peer = world.peer()
    for (const block of peer.ask(99)) if (block < 4) peer.send(block)
    world.disk.held[0].fail(new StorageError('disk_full', 'Cannot write', world.path))
    await settled()
    expect(world.errors.map((error) => error.code)).toEqual(['disk_full'])
    await world.download.stop()
    expect([world.download.have.count, world.disk.freeSlots]).toEqual([0, 16])
  })

  test('a stop waits for what the disk is at work on, and gives the rest back at once', async () => {
    const world = new World()
    world.disk.isHeld = true
    const peer = world.peer()
    for (const block of peer.ask(99)) if (block < 4) peer.send(block)
    let isStopped = false
    const stopping = world.download.stop().then(() => (isStopped = true))
    await settled()
    expect([isStopped, world.disk.freeSlots]).toEqual([false, 14])
    world.disk.goAll()
    await stopping
    expect([world.disk.freeSlots, world.stored]).toEqual([16, []])
  })

  test('after a stop nothing is asked for and nothing is taken', async () => {
    const world = new World()
    const peer = world.peer()
    const [block] = peer.ask(1)
    peer.sendHalf(block)
    await world.download.stop()
    peer.sendHalf(block)
    expect([peer.ask(9), world.download.startBlock(peer, block), world.disk.freeSlots]).toEqual([[], null, 16])
  })
})

describe('whatever peers and the disk do', () => {
  interface Action {
    readonly who: number
    readonly what: string
    readonly which: number
    readonly room: number
  }
  const action: fc.Arbitrary<Action> = fc.record({
    who: fc.nat(4),
    what: fc.constantFrom('ask', 'ask', 'half', 'half', 'half', 'half', 'choke', 'leave', 'disk', 'disk'),
    which: fc.nat(1000),
    room: fc.integer({ min: 1, max: 6 }),
  })

  /** Peers 3 and 4 lie. When one leaves, or is named, another of its kind comes. */
  async function run(world: World, actions: readonly Action[]): Promise<void> {
    const isLiar = (who: number): boolean => who >= 3
    const peers = Array.from({ length: 5 }, (_, who) => world.peer(isLiar(who)))
    world.disk.isHeld = true
    for (const { who, what, which, room } of actions) {
      const peer = peers[who]
      if (what === 'ask') peer.ask(room, peer.asked.size === 0 ? 2 : 0)
      else if (what === 'choke') peer.choke()
      else if (what === 'leave') {
        peer.leave()
        peers[who] = world.peer(isLiar(who))
      } else if (what === 'disk') {
        if (world.disk.held.length > 0) world.disk.go(which % world.disk.held.length)
        await settled()
      } else if (peer.isSending || peer.asked.size > 0) peer.sendHalf([...peer.asked][which % (peer.asked.size || 1)])
    }
    // From here on the liars are gone and the honest go on without a pause: that must be enough.
    for (const who of [3, 4]) peers[who].leave()
    for (let round = 0; round < 200 && !world.download.isComplete; round++) {
      for (const peer of peers.slice(0, 3)) {
        if (peer.isSending) peer.sendHalf(0)
        peer.ask(3, peer.asked.size === 0 ? 2 : 0)
        for (const block of peer.asked) peer.send(block)
      }
      world.disk.goAll()
      await settled()
    }
  }

  test('the content is right in the end, the memory is back, and only liars are named', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 120 }),
        fc.constantFrom(1, 2, 3, 5, 16),
        fc.nat(),
        async (actions, slotCount, seed) => {
          const world = new World({ slotCount, seed })
          await run(world, actions)
          expect(world.download.isComplete).toBe(true)
          expect(world.isContentRight()).toBe(true)
          expect([world.disk.freeSlots, world.download.slotsHeld]).toEqual([slotCount, 0])
          expect(world.guilty.every((peer) => peer.hasLied)).toBe(true)
          expect(world.errors).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })

  test('after a stop at any moment the memory is back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.constantFrom(2, 5, 16), async (actions, slotCount) => {
        const world = new World({ slotCount })
        const peers = Array.from({ length: 5 }, () => world.peer())
        world.disk.isHeld = true
        for (const { who, what, room, which } of actions) {
          if (what === 'ask') peers[who].ask(room)
          else if (what === 'disk' && world.disk.held.length > 0) world.disk.go(which % world.disk.held.length)
          else if (what === 'half' && (peers[who].isSending || peers[who].asked.size > 0))
            peers[who].sendHalf([...peers[who].asked][0])
          await settled()
        }
        const stopping = world.download.stop()
        for (const peer of world.peers) peer.leave()
        while (world.disk.held.length > 0) {
          world.disk.goAll()
          await settled()
        }
        await stopping
        expect([world.disk.freeSlots, world.download.slotsHeld]).toEqual([slotCount, 0])
      }),
      { numRuns: 100 },
    )
  })
})
