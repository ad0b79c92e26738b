import { describe, expect, test } from 'vitest'
import { settled } from '../../../tests/support/fake-clock.ts'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { StorageError } from '../../base/errors.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { contentLayout } from './content-layout.ts'
import { BlockState, PartialPiece } from './partial-piece.ts'
import { type SlotHolder, SlotLedger } from './slot-ledger.ts'
import { Spilling } from './spilling.ts'

const BLOCK = 16_384
/** Blocks of a piece; two of them share a slot. */
const BLOCKS = 4
const PIECE = BLOCKS * BLOCK
const payload = Payload.file('spilled', 10 * PIECE)
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/d' })

/** Pieces under way, whose slots are short. */
class World {
  readonly disk = new FakeDisk({ slotCount: 20, blocksPerSlot: 2 })
  readonly ledger = new SlotLedger(this.disk)
  readonly holder: SlotHolder = { volume: this.disk.volume(), slotsHeld: 0, onSlotsWanted() {} }
  readonly partials = new Map<number, PartialPiece<string>>()
  /** Pieces that somebody works on. */
  readonly owned = new Set<number>()
  readonly heard: string[] = []
  readonly owner = {
    changes: 0,
    hasOwner: (piece: number) => this.owned.has(piece),
    onSpilled: () => void this.heard.push('spilled'),
    onSpillFailed: (error: StorageError) => void this.heard.push(error.message),
  }
  readonly spilling = new Spilling<string>(
    { map, layout, ledger: this.ledger, holder: this.holder, partials: this.partials },
    this.owner,
  )

  constructor() {
    this.ledger.enter(this.holder)
    this.disk.isHeld = true
  }

  /** @param picture one character a block: `*` where it is here */
  piece(piece: number, picture: string): PartialPiece<string> {
    const partial = new PartialPiece<string>(piece, PIECE, this.disk.slotBytes)
    this.partials.set(piece, partial)
    for (const [index, mark] of Array.from(picture).entries()) if (mark === '*') this.arrive(partial, index)
    return partial
  }

  arrive(partial: PartialPiece<string>, index: number): void {
    const extent = partial.extentOf(index)
    if (partial.slots[extent] < 0) partial.slots[extent] = this.ledger.take(this.holder)
    const bytes = payload.read(partial.piece * PIECE + index * BLOCK, BLOCK)
    this.disk.fillSlot(partial.slots[extent], partial.offsetInSlot(index), bytes)
    partial.accept(index, 'A')
  }

  /** The writes that the disk was asked for since the last time: `piece.block+blocks`. */
  async written(): Promise<string[]> {
    await settled()
    const operations = this.disk.operations.splice(0)
    this.disk.goAll()
    await settled()
    return operations.map((operation) => {
      const [, offset, bytes] = /^write .*:(\d+) (\d+)$/.exec(operation)!.map(Number)
      return `${Math.floor(offset / PIECE)}.${(offset % PIECE) / BLOCK}+${bytes / BLOCK}`
    })
  }
}

describe('where slots are short', () => {
  test('the pieces with the most still to come go out first, and each slot comes free', async () => {
    const world = new World()
    world.piece(1, '***.')
    const least = world.piece(2, '*.*.')
    world.spilling.start()
    expect(world.spilling.pending).toBe(4)
    expect(await world.written()).toEqual(['2.0+1', '2.2+1', '1.0+2', '1.2+1'])
    expect([world.spilling.pending, world.holder.slotsHeld, world.disk.freeSlots]).toEqual([0, 0, 20])
    expect(world.heard).toEqual(Array(4).fill('spilled'))
    expect([least.hasSpilled, [...least.slots], [...least.blocks]]).toEqual([
      true,
      [-1, -1],
      [BlockState.onDisk, BlockState.missing, BlockState.onDisk, BlockState.missing],
    ])
    const onDisk = world.disk.files.get(layout.root)!.slice(2 * PIECE, 2 * PIECE + BLOCK)
    expect(onDisk).toEqual(new Uint8Array(payload.read(2 * PIECE, BLOCK)))
  })

  test('of a piece that somebody works on only what is finished goes out', async () => {
    const world = new World()
    world.owned.add(3)
    world.piece(3, '***.')
    world.spilling.start()
    expect(await world.written()).toEqual(['3.0+2'])
  })

  test('where nothing was left to write out it is not looked for until something may have changed', async () => {
    const world = new World()
    world.owned.add(1)
    const piece = world.piece(1, '*...')
    world.spilling.start()
    world.arrive(piece, 1)
    world.spilling.start()
    expect([world.spilling.isExhausted, await world.written()]).toEqual([true, []])
    world.spilling.lookAgain()
    world.spilling.start()
    expect(await world.written()).toEqual(['1.0+2'])
    world.arrive(piece, 2)
    world.owned.clear()
    world.owner.changes++
    world.spilling.start()
    expect(await world.written()).toEqual(['1.2+1'])
  })

  test('what is being filled, or committed, stays', async () => {
    const world = new World()
    const filling = world.piece(4, '*...')
    filling.writers.set(1, { partial: filling, source: 'B', index: 1, filled: 0, scratch: null, isRevoked: false })
    world.piece(5, '****').isCommitting = true
    world.spilling.start()
    expect(await world.written()).toEqual([])
  })

  test('no more than sixteen are under way at once', async () => {
    const world = new World()
    for (let piece = 0; piece < 9; piece++) world.piece(piece, '*.*.')
    world.spilling.start()
    world.spilling.start()
    expect(world.spilling.pending).toBe(16)
    expect(await world.written()).toHaveLength(16)
  })

  test('a write that fails is told, and its slot comes free all the same', async () => {
    const world = new World()
    const partial = world.piece(6, '**..')
    world.spilling.start()
    await settled()
    world.disk.held[0].fail(new StorageError('disk_full', 'the disk is full', '/d'))
    await settled()
    expect(world.heard).toEqual(['the disk is full', 'spilled'])
    expect([world.spilling.pending, partial.slots[0], partial.blocks[0]]).toEqual([0, -1, BlockState.inSlot])
  })
})

test('before a commit what came after the rest of its extent had been written out follows it', async () => {
  const world = new World()
  const partial = world.piece(7, '*...')
  world.spilling.start()
  expect(await world.written()).toEqual(['7.0+1'])
  world.arrive(partial, 1)
  world.arrive(partial, 2)
  world.arrive(partial, 3)
  const settling = world.spilling.settleExtents(partial)
  expect(await world.written()).toEqual(['7.1+1'])
  await settling
  expect(partial.slots).toEqual([-1, expect.any(Number)])
  expect([...partial.blocks]).toEqual([BlockState.onDisk, BlockState.onDisk, BlockState.inSlot, BlockState.inSlot])
})
