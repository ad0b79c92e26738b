// Which blocks to ask a peer for (BEP 3). It owns two facts: how many peers have each piece, and who was asked for what.
//
// Things to weigh when picking, in the order in which they decide:
//  1. what is needed by a certain time, if the peer can deliver it by then;
//  2. what this peer has begun: one piece from one peer completes soonest, and names the guilty when it is wrong;
//  3. a piece whose peer has gone: finished work must not lie about, and its memory is held;
//  4. for a slow peer, a piece that another slow one is at: together they complete it while it is still of use;
//  5. a piece nobody has begun: what the user wants most, then the rarest, so that no piece dies out; the very first
//     ones at random, so that we soon have something to give, whatever it is;
//  6. a piece that others are working on;
//  7. endgame: a block that somebody else was asked for but has not sent. Only for a peer with nothing else to do, and,
//     while there are pieces that nobody has begun, only if it would else take long.
//
// Pure: peers are opaque keys, memory is asked for through `reserve`. It does not know sockets or slots.
import { Bitfield } from '../../base/bitfield.ts'
import { Deadlines } from './deadlines.ts'
import type { EtaMs } from './duplicates.ts'
import { Endgame } from './endgame.ts'
import { OpenPieces } from './open-pieces.ts'
import { mayHave, type PickRequest } from './pick-request.ts'
import { DONE, PieceProgress } from './piece-progress.ts'
import { type PieceOrder, StartablePieces } from './startable-pieces.ts'
import { UrgentPieces } from './urgent-pieces.ts'

/** The part of the geometry that picking needs; `PieceMap` has it. */
export interface BlockGeometry {
  readonly pieceCount: number
  blockCount(piece: number): number
  firstBlock(piece: number): number
  pieceOfBlock(block: number): number
}

/** Pieces begun at random before rarity counts. */
const RANDOM_FIRST_PIECES = 4
/** A peer that needs longer than this for a piece shares it with others, in milliseconds. */
const SLOW_PIECE_MS = 30_000

export class PiecePicker<Key> {
  readonly #geometry: BlockGeometry
  readonly #startable: StartablePieces
  readonly #underWay = new Map<number, PieceProgress<Key>>()
  readonly #open = new OpenPieces<Key>()
  readonly #deadlines = new Deadlines()
  readonly #urgent: UrgentPieces<Key>
  readonly #endgame: Endgame<Key>
  readonly #etaMs: EtaMs<Key>
  /** Pieces that failed their hash: the next try is exclusive. */
  readonly #failed = new Set<number>()
  readonly #done: Bitfield
  #changes = 0
  /** Memory was refused during the current `pick`. */
  #isRefused = false

  /**
   * @param below a random integer from 0 to `limit - 1`
   * @param etaMs see `EtaMs`. Default: nobody is known to deliver anything
   */
  constructor(geometry: BlockGeometry, below: (limit: number) => number, etaMs: EtaMs<Key> = () => Infinity) {
    this.#geometry = geometry
    this.#startable = new StartablePieces(geometry.pieceCount, below)
    this.#done = new Bitfield(geometry.pieceCount)
    this.#etaMs = etaMs
    this.#endgame = new Endgame<Key>({ startable: this.#startable, underWay: this.#underWay, open: this.#open }, etaMs)
    this.#urgent = new UrgentPieces<Key>(
      this.#deadlines,
      {
        goOnWith: (piece, request) =>
          this.#underWay.get(piece) ?? (this.#startable.has(piece) ? this.#begin(piece, request) : null),
        take: (progress, request, picked) => this.#take(progress, request, picked),
      },
      etaMs,
    )
  }

  /** Grows whenever there may be something to pick for a peer that was given nothing. */
  get changes(): number {
    return this.#changes
  }

  /** Time has passed: peers that owe us blocks may have become slow. */
  tick(): void {
    if (this.#endgame.tick()) this.#changes++
  }

  // ---------------------------------------------------------------- what the user wants

  /** Rarest first is best for the swarm, and the default; in sequence is for who reads along. */
  set order(order: PieceOrder) {
    this.#startable.order = order
  }

  /**
   * Takes effect at once; of a piece under way, priority 0 stops the asking, and a higher one goes on with it.
   * @param priority 0 (do not fetch) to 7 (first); 4 for all at first
   */
  setPriority(piece: number, priority: number): void {
    const isStartable = !this.#done.has(piece) && !this.#underWay.has(piece)
    this.#startable.setPriority(piece, priority, isStartable)
    const progress = this.#underWay.get(piece)
    if (progress && priority === 0) this.#open.delete(progress)
    if (progress && priority > 0 && progress.unasked > 0) this.#open.add(progress)
    this.#changes++
  }

  /** @param at when the piece is needed, in milliseconds on the clock of `PickRequest.now`; null: at no particular time */
  setDeadline(piece: number, at: number | null): void {
    this.#deadlines.set(piece, this.#done.has(piece) ? null : at)
    this.#changes++
  }

  // ---------------------------------------------------------------- availability

  /** A peer has told all it has. */
  peerHas(have: Bitfield): void {
    this.#startable.peerHas(have)
  }

  /** A peer that had told what it has is gone, or tells anew. */
  peerGone(have: Bitfield): void {
    this.#startable.peerGone(have)
  }

  /** A peer has one piece more; call it after the piece is set in `have`. */
  peerHasPiece(piece: number, have: Bitfield): void {
    this.#startable.peerHasPiece(piece, have)
  }

  /** How many connected peers have the piece. */
  availability(piece: number): number {
    return this.#startable.availability(piece)
  }

  // ---------------------------------------------------------------- pieces

  /** We have this piece: verified at the start, or after it was fetched. */
  setDone(piece: number): void {
    const progress = this.#underWay.get(piece)
    if (progress) this.#end(progress)
    else if (this.#startable.has(piece)) this.#startable.remove(piece)
    this.#done.set(piece)
    this.#failed.delete(piece)
    if (!this.#deadlines.isEmpty) this.#deadlines.set(piece, null)
  }

  /** Blocks of the piece are here from an earlier run: it is under way, and nobody's. */
  restore(piece: number, blocks: Bitfield): void {
    if (!this.#startable.has(piece)) return
    this.#startable.remove(piece)
    const first = this.#geometry.firstBlock(piece)
    const progress = new PieceProgress<Key>(piece, first, this.#geometry.blockCount(piece), false)
    blocks.forEachSet((index) => progress.arrive(index))
    this.#underWay.set(piece, progress)
    if (progress.unasked > 0) this.#open.add(progress)
    this.#changes++
  }

  /** All blocks came and the hash is wrong: the piece begins anew, and one peer alone delivers it. */
  pieceFailed(piece: number): void {
    this.#changes++
    this.#end(this.#underWay.get(piece)!)
    this.#failed.add(piece)
    this.#startable.insert(piece)
  }

  /**
   * What is here of the piece is thrown away; while it has a priority it can be begun anew.
   * @returns blocks that peers are still asked for
   */
  abandon(piece: number): number[] {
    const progress = this.#underWay.get(piece)
    if (!progress) return []
    this.#changes++
    this.#end(progress)
    this.#startable.insert(piece)
    const owed: number[] = []
    for (const [index, count] of progress.asked.entries())
      if (count > 0 && count !== DONE) owed.push(progress.firstBlock + index)
    return owed
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
    if (request.isOnParole) this.#pickAlone(request, picked)
    if (picked.length > 0) return picked
    if (!this.#deadlines.isEmpty) this.#urgent.pick(request, picked)
    this.#pickFrom(this.#open.ownedBy(request.peer), request, picked)
    if (picked.length < request.room) this.#pickFrom(this.#open.orphans, request, picked)
    if (picked.length < request.room) this.#pickNew(request, picked)
    if (picked.length < request.room) this.#pickFrom(this.#open.all, request, picked, isShared)
    // That memory is short is no reason to fetch things twice.
    if (picked.length === 0 && !this.#isRefused && request.endgameRoom > 0) this.#endgame.pick(request, picked)
    return picked
  }

  /** A block is here. Returns how many other peers are still asked for it. */
  blockArrived(block: number, wasAsked: boolean): number {
    const progress = this.#progressOf(block)
    if (!progress) return 0
    const index = block - progress.firstBlock
    if (progress.asked[index] === DONE) return 0
    const others = progress.arrive(index) - (wasAsked ? 1 : 0)
    if (progress.unasked === 0) this.#open.delete(progress)
    return Math.max(0, others)
  }

  /** A peer that was asked for the block will not send it: rejected, choked, timed out or gone. */
  requestLost(block: number, peer: Key): void {
    const progress = this.#progressOf(block)
    if (!progress) return
    const index = block - progress.firstBlock
    if (progress.asked[index] === DONE || progress.asked[index] === 0) return
    this.#changes++
    if (progress.lose(index, peer) && this.#startable.priority(progress.piece) > 0) this.#open.add(progress)
  }

  /** The peer works on nothing any more: choked us, went silent or left. Others may take over its pieces. */
  disown(peer: Key): void {
    for (const progress of this.#underWay.values()) {
      if (progress.owner !== peer) continue
      this.#open.setOwner(progress, null)
      this.#changes++
    }
  }

  // ---------------------------------------------------------------- how

  #progressOf(block: number): PieceProgress<Key> | undefined {
    return this.#underWay.get(this.#geometry.pieceOfBlock(block))
  }

  #pickFrom(
    pieces: Iterable<PieceProgress<Key>>,
    request: PickRequest<Key>,
    picked: number[],
    suits: (progress: PieceProgress<Key>) => boolean = () => true,
  ): void {
    for (const progress of pieces) {
      if (picked.length >= request.room) return
      if (!suits(progress) || !mayHave(request, progress.piece)) continue
      const before = picked.length
      this.#take(progress, request, picked)
      if (picked.length > before && progress.owner === null) this.#open.setOwner(progress, request.peer)
    }
  }

  /** Only pieces that nobody else has, or will have, a part in. */
  #pickAlone(request: PickRequest<Key>, picked: number[]): void {
    this.#pickFrom(this.#open.ownedBy(request.peer), request, picked, (progress) => progress.isExclusive)
    if (picked.length < request.room) this.#pickNew(request, picked)
  }

  #pickNew(request: PickRequest<Key>, picked: number[]): void {
    let before = -1
    while (picked.length < request.room) {
      const piece = before >= 0 ? this.#chooseAfter(before, request) : this.#choosePiece(request)
      if (piece < 0) return
      if (request.nextInRun !== undefined) before = piece
      if (!request.isOnParole && this.#isSlow(request.peer, this.#geometry.blockCount(piece))) {
        this.#pickFrom(this.#open.all, request, picked, (progress) => isShared(progress) && this.#isHeldUp(progress))
        if (picked.length >= request.room) return
      }
      const progress = this.#begin(piece, request)
      if (!progress) return
      this.#take(progress, request, picked)
    }
  }

  #choosePiece(request: PickRequest<Key>): number {
    // What has failed is fetched at once: until it is right nobody knows whose fault that was.
    for (const piece of this.#failed) if (this.#startable.has(piece) && mayHave(request, piece)) return piece
    if (request.only === null && this.#done.count + this.#underWay.size < RANDOM_FIRST_PIECES) {
      const piece = this.#startable.order === 'rarest' ? this.#startable.chooseAny(request.have) : -1
      if (piece >= 0) return piece
    }
    const piece = this.#startable.choose(request)
    const { nextInRun: next = -1 } = request
    const isAsRare = next >= 0 && this.availability(next) <= this.availability(piece)
    return isAsRare && this.#canFollow(next, piece, request) ? next : piece
  }

  /** In a run of pieces: the neighbour, or wherever the next run begins. */
  #chooseAfter(piece: number, request: PickRequest<Key>): number {
    return this.#canFollow(piece + 1, piece, request) ? piece + 1 : this.#choosePiece(request)
  }

  /** Can it be begun, and is it wanted as much as the other? */
  #canFollow(piece: number, other: number, request: PickRequest<Key>): boolean {
    if (piece >= this.#geometry.pieceCount || !this.#startable.has(piece) || !mayHave(request, piece)) return false
    return this.#startable.priority(piece) >= this.#startable.priority(other)
  }

  #begin(piece: number, request: PickRequest<Key>): PieceProgress<Key> | null {
    const first = this.#geometry.firstBlock(piece)
    if (!request.reserve(first)) {
      this.#isRefused = true
      return null
    }
    this.#startable.remove(piece)
    const isExclusive = request.isOnParole === true || this.#failed.has(piece)
    const progress = new PieceProgress<Key>(piece, first, this.#geometry.blockCount(piece), isExclusive)
    progress.owner = request.peer
    this.#underWay.set(piece, progress)
    this.#open.add(progress)
    return progress
  }

  /** Asks for blocks of one piece that nobody is asked for, as far as there is room, and memory. */
  #take(progress: PieceProgress<Key>, request: PickRequest<Key>, picked: number[]): void {
    if (progress.take(request, picked)) this.#isRefused = true
    if (progress.unasked === 0) this.#open.delete(progress)
  }

  #end(progress: PieceProgress<Key>): void {
    this.#underWay.delete(progress.piece)
    this.#open.delete(progress)
  }

  #isSlow(peer: Key, blocks: number): boolean {
    const etaMs = this.#etaMs(peer, blocks)
    return etaMs > SLOW_PIECE_MS && etaMs < Infinity
  }

  /** Is its owner too slow to complete it soon? */
  #isHeldUp(progress: PieceProgress<Key>): boolean {
    return progress.owner !== null && this.#isSlow(progress.owner, progress.unasked)
  }
}

function isShared<Key>(progress: PieceProgress<Key>): boolean {
  return !progress.isExclusive
}
