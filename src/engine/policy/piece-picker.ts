// Which blocks to ask a peer for (BEP 3). It owns two facts: how many peers have each piece, and who was asked for what.
//
// Things to weigh when picking, in the order in which they decide:
//  1. what this peer has begun: one piece from one peer completes soonest, and names the guilty when it is wrong;
//  2. a piece whose peer has gone: finished work must not lie about, and its memory is held;
//  3. a piece nobody has begun, the rarest first, so that no piece dies out; the very first ones at random, so that we
//     soon have something to give, whatever it is;
//  4. a piece that others are working on;
//  5. endgame: a block that somebody else was asked for but has not sent. Only for a peer with nothing else to do.
//
// Pure: peers are opaque keys, memory is asked for through `reserve`. It does not know sockets, slots or time.
import type { Bitfield } from '../../base/bitfield.ts'
import { RarityOrder } from './rarity-order.ts'

/** The part of the geometry that picking needs; `PieceMap` has it. */
export interface BlockGeometry {
  readonly pieceCount: number
  blockCount(piece: number): number
  firstBlock(piece: number): number
  pieceOfBlock(block: number): number
}

export interface PickRequest<Key> {
  readonly peer: Key
  readonly have: Bitfield
  /** At most this many blocks. */
  readonly room: number
  /** At most this many blocks that others were asked for already. */
  readonly endgameRoom: number
  /** Pieces that may be asked for while the peer chokes us (BEP 6); null: all. */
  readonly only: ReadonlySet<number> | null
  /** Was this peer asked for the block already? */
  hasAsked(block: number): boolean
  /** Memory for the block; false when there is none now. */
  reserve(block: number): boolean
  /** So many blocks, counted from a piece's first, share their memory: what is refused for one is refused for all of them. */
  readonly blocksPerReserve: number
}

/** Pieces begun at random before rarity counts. */
const RANDOM_FIRST_PIECES = 4
const RANDOM_TRIES = 16
/** How many peers may be asked for one block. */
const MAX_ASKED = 3
const DONE = 255

/** A piece under way: who was asked for its blocks. */
class Progress<Key> {
  readonly piece: number
  /** Per block: how many peers are asked for it, or DONE. */
  readonly asked: Uint8Array
  /** Blocks that nobody is asked for. */
  unasked: number
  /** Blocks not done. */
  left: number
  /** No unasked block stands before this one. */
  cursor = 0
  /** Whose piece it is, while that peer goes on. */
  owner: Key | null = null
  /** After a failure one peer delivers all of it, so that a second failure names the guilty. */
  isExclusive = false

  constructor(piece: number, blockCount: number) {
    this.piece = piece
    this.asked = new Uint8Array(blockCount)
    this.unasked = blockCount
    this.left = blockCount
  }
}

export class PiecePicker<Key> {
  readonly #geometry: BlockGeometry
  readonly #below: (limit: number) => number
  readonly #order: RarityOrder
  readonly #underWay = new Map<number, Progress<Key>>()
  /** Pieces that failed their hash: the next try is exclusive. */
  readonly #failed = new Set<number>()
  /** Peers that have everything are counted once, not in every piece. */
  #seeds = 0
  #done = 0
  #changes = 0
  /** Memory was refused during the current `pick`. */
  #isRefused = false

  /** @param below a random integer from 0 to `limit - 1` */
  constructor(geometry: BlockGeometry, below: (limit: number) => number) {
    this.#geometry = geometry
    this.#below = below
    this.#order = new RarityOrder(geometry.pieceCount, below)
  }

  /** Grows whenever there may be something to pick for a peer that was given nothing. */
  get changes(): number {
    return this.#changes
  }

  // ---------------------------------------------------------------- availability

  /** A peer has told all it has. */
  peerHas(have: Bitfield): void {
    if (have.isFull) this.#seeds++
    else forEachSet(have, (piece) => this.#order.increase(piece))
  }

  /** A peer that had told what it has is gone, or tells anew. */
  peerGone(have: Bitfield): void {
    if (have.isFull) this.#seeds--
    else forEachSet(have, (piece) => this.#order.decrease(piece))
  }

  /** A peer has one piece more; call it after the piece is set in `have`. */
  peerHasPiece(piece: number, have: Bitfield): void {
    this.#order.increase(piece)
    if (!have.isFull) return
    forEachSet(have, (each) => this.#order.decrease(each))
    this.#seeds++
  }

  /** How many connected peers have the piece. */
  availability(piece: number): number {
    return this.#order.availability(piece) + this.#seeds
  }

  // ---------------------------------------------------------------- pieces

  /** We have this piece: verified at the start, or `pieceDone`. */
  setDone(piece: number): void {
    if (this.#underWay.delete(piece)) this.#done++
    else if (this.#order.has(piece)) {
      this.#order.remove(piece)
      this.#done++
    }
    this.#failed.delete(piece)
  }

  /** All blocks came and the hash is wrong: the piece begins anew, and one peer alone delivers it. */
  pieceFailed(piece: number): void {
    this.#changes++
    this.#underWay.delete(piece)
    this.#failed.add(piece)
    this.#order.insert(piece)
  }

  isUnderWay(piece: number): boolean {
    return this.#underWay.has(piece)
  }

  /** Blocks of the piece not yet done; its full count when it has not been begun. */
  blocksLeft(piece: number): number {
    return this.#underWay.get(piece)?.left ?? this.#geometry.blockCount(piece)
  }

  /** True while a peer is at work on the piece. */
  hasOwner(piece: number): boolean {
    return (this.#underWay.get(piece)?.owner ?? null) !== null
  }

  // ---------------------------------------------------------------- blocks

  /** Blocks to ask this peer for now; they count as asked from here on. */
  pick(request: PickRequest<Key>): number[] {
    const picked: number[] = []
    this.#isRefused = false
    this.#pickUnderWay(request, picked, (progress) => progress.owner === request.peer)
    this.#pickUnderWay(request, picked, (progress) => progress.owner === null)
    this.#pickNew(request, picked)
    this.#pickUnderWay(request, picked, (progress) => progress.owner !== request.peer && !progress.isExclusive)
    // That memory is short is no reason to fetch things twice.
    if (picked.length === 0 && !this.#isRefused && request.endgameRoom > 0) this.#pickEndgame(request, picked)
    return picked
  }

  /** A block is here. Returns how many other peers are still asked for it. */
  blockArrived(block: number, wasAsked: boolean): number {
    const [progress, index] = this.#locate(block)
    if (!progress || progress.asked[index] === DONE) return 0
    const others = progress.asked[index] - (wasAsked ? 1 : 0)
    if (progress.asked[index] === 0) progress.unasked--
    progress.asked[index] = DONE
    progress.left--
    return Math.max(0, others)
  }

  /** A peer that was asked for the block will not send it: rejected, choked, timed out or gone. */
  requestLost(block: number): void {
    const [progress, index] = this.#locate(block)
    if (!progress || progress.asked[index] === DONE || progress.asked[index] === 0) return
    progress.asked[index]--
    this.#changes++
    if (progress.asked[index] > 0) return
    progress.unasked++
    progress.cursor = Math.min(progress.cursor, index)
  }

  /** The peer works on nothing any more: choked us, went silent or left. Others may take over its pieces. */
  disown(peer: Key): void {
    for (const progress of this.#underWay.values()) {
      if (progress.owner !== peer) continue
      progress.owner = null
      this.#changes++
    }
  }

  // ---------------------------------------------------------------- how

  #locate(block: number): [Progress<Key> | undefined, number] {
    const piece = this.#geometry.pieceOfBlock(block)
    return [this.#underWay.get(piece), block - this.#geometry.firstBlock(piece)]
  }

  #pickUnderWay(request: PickRequest<Key>, picked: number[], suits: (progress: Progress<Key>) => boolean): void {
    if (picked.length >= request.room) return
    for (const progress of this.#underWay.values()) {
      if (progress.unasked === 0 || !suits(progress) || !mayHave(request, progress.piece)) continue
      const before = picked.length
      this.#take(progress, request, picked)
      if (picked.length > before) progress.owner ??= request.peer
      if (picked.length >= request.room) return
    }
  }

  #pickNew(request: PickRequest<Key>, picked: number[]): void {
    while (picked.length < request.room) {
      const piece = this.#choosePiece(request)
      if (piece < 0) return
      if (!request.reserve(this.#geometry.firstBlock(piece))) {
        this.#isRefused = true
        return
      }
      this.#order.remove(piece)
      const progress = new Progress<Key>(piece, this.#geometry.blockCount(piece))
      progress.owner = request.peer
      progress.isExclusive = this.#failed.has(piece)
      this.#underWay.set(piece, progress)
      this.#take(progress, request, picked)
    }
  }

  #choosePiece(request: PickRequest<Key>): number {
    const order = this.#order
    if (this.#done + this.#underWay.size < RANDOM_FIRST_PIECES) {
      for (let i = 0; i < RANDOM_TRIES && order.length > 0; i++) {
        const piece = order.at(this.#below(order.length))
        if (mayHave(request, piece)) return piece
      }
    }
    for (let i = 0; i < order.length; i++) {
      const piece = order.at(i)
      if (mayHave(request, piece)) return piece
    }
    return -1
  }

  /** Asks for unasked blocks of one piece, as far as there is room, and memory. */
  #take(progress: Progress<Key>, request: PickRequest<Key>, picked: number[]): void {
    const first = this.#geometry.firstBlock(progress.piece)
    const { asked } = progress
    let firstRefused = asked.length
    let i = progress.cursor
    while (i < asked.length && progress.unasked > 0 && picked.length < request.room) {
      if (asked[i] !== 0) i++
      else if (request.reserve(first + i)) {
        asked[i] = 1
        progress.unasked--
        picked.push(first + i++)
      } else {
        // Later blocks may have their memory already.
        this.#isRefused = true
        firstRefused = Math.min(firstRefused, i)
        i = (Math.floor(i / request.blocksPerReserve) + 1) * request.blocksPerReserve
      }
    }
    progress.cursor = Math.min(i, firstRefused)
  }

  /** Blocks that others were asked for; then, so that no slow peer holds a piece by itself, even those of exclusive pieces. */
  #pickEndgame(request: PickRequest<Key>, picked: number[]): void {
    const isOthers = (progress: Progress<Key>): boolean =>
      progress.isExclusive && progress.owner !== null && progress.owner !== request.peer
    // Those that fewest are asked for come first; of one level only, since a picked block has moved to the next.
    for (let count = 1; count < MAX_ASKED && picked.length === 0; count++) {
      this.#pickAsked(request, picked, count, (progress) => !isOthers(progress))
    }
    for (let count = 0; count < MAX_ASKED && picked.length === 0; count++) {
      this.#pickAsked(request, picked, count, isOthers)
    }
  }

  /** Blocks that exactly `count` peers are asked for. */
  #pickAsked(
    request: PickRequest<Key>,
    picked: number[],
    count: number,
    suits: (progress: Progress<Key>) => boolean,
  ): void {
    const room = Math.min(request.room, request.endgameRoom)
    for (const progress of this.#underWay.values()) {
      if (progress.left === 0 || !suits(progress) || !mayHave(request, progress.piece)) continue
      const first = this.#geometry.firstBlock(progress.piece)
      for (let i = 0; i < progress.asked.length; i++) {
        if (picked.length >= room) return
        if (progress.asked[i] !== count || request.hasAsked(first + i) || !request.reserve(first + i)) continue
        if (count === 0) progress.unasked--
        progress.asked[i]++
        picked.push(first + i)
      }
    }
  }
}

function mayHave<Key>(request: PickRequest<Key>, piece: number): boolean {
  return request.have.has(piece) && (request.only === null || request.only.has(piece))
}

function forEachSet(have: Bitfield, visit: (piece: number) => void): void {
  const { bytes } = have
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0) continue
    for (let bit = 0; bit < 8; bit++) if ((bytes[i] & (0x80 >> bit)) !== 0) visit(8 * i + bit)
  }
}
