// A piece under way: which of its blocks are done, and who was asked for the others. The picker owns it.
import type { PickRequest } from './pick-request.ts'

/** In `asked`: the block is here. */
export const DONE = 255

export class PieceProgress<Key> {
  readonly piece: number
  readonly firstBlock: number
  /** Per block: how many peers are asked for it, or DONE. */
  readonly asked: Uint8Array
  /** Blocks that nobody is asked for. */
  unasked: number
  /** Blocks not done. */
  left: number
  /** No unasked block stands before this one. */
  #cursor = 0
  /** Whose piece it is, while that peer goes on. */
  owner: Key | null = null
  /** After a failure one peer delivers all of it, so that a second failure names the guilty. */
  readonly isExclusive: boolean
  /** Per block: who was asked first. */
  readonly #first: (Key | null)[]
  /** Those asked later, for the few blocks that are asked for twice. */
  #later: Map<number, Key[]> | null = null

  constructor(piece: number, firstBlock: number, blockCount: number, isExclusive: boolean) {
    this.piece = piece
    this.firstBlock = firstBlock
    this.asked = new Uint8Array(blockCount)
    this.unasked = blockCount
    this.left = blockCount
    this.isExclusive = isExclusive
    this.#first = Array.from({ length: blockCount }, () => null)
  }

  /**
   * Asks a peer for blocks that nobody is asked for, as far as there is room and memory; they are added to `picked`.
   * Returns whether memory was refused.
   */
  take(request: PickRequest<Key>, picked: number[]): boolean {
    const { asked, firstBlock } = this
    let firstRefused = asked.length
    let i = this.#cursor
    while (i < asked.length && this.unasked > 0 && picked.length < request.room) {
      if (asked[i] !== 0) i++
      else if (request.reserve(firstBlock + i)) {
        this.ask(i, request.peer)
        picked.push(firstBlock + i++)
      } else {
        // Later blocks may have their memory already.
        firstRefused = Math.min(firstRefused, i)
        i = (Math.floor(i / request.blocksPerReserve) + 1) * request.blocksPerReserve
      }
    }
    this.#cursor = Math.min(i, firstRefused)
    return firstRefused < asked.length
  }

  /** One peer more is asked for the block. */
  ask(index: number, peer: Key): void {
    if (this.asked[index]++ === 0) {
      this.unasked--
      this.#first[index] = peer
      return
    }
    this.#later ??= new Map()
    const later = this.#later.get(index)
    if (later) later.push(peer)
    else this.#later.set(index, [peer])
  }

  /** The block is here. Returns how many peers were asked for it. */
  arrive(index: number): number {
    const count = this.asked[index]
    if (count === 0) this.unasked--
    this.asked[index] = DONE
    this.left--
    this.#forget(index)
    return count
  }

  /** The peer will not send the block. Returns whether nobody is asked for it any more. */
  lose(index: number, peer: Key): boolean {
    const isLast = --this.asked[index] === 0
    if (isLast) {
      this.unasked++
      this.#cursor = Math.min(this.#cursor, index)
      this.#forget(index)
      return true
    }
    const later = this.#later!.get(index)!
    if (this.#first[index] === peer) this.#first[index] = later.shift()!
    else if (later.includes(peer)) later.splice(later.indexOf(peer), 1)
    return false
  }

  /** Those who are asked for the block, in order. */
  askers(index: number): Key[] {
    const first = this.#first[index]
    return first === null ? [] : [first, ...(this.#later?.get(index) ?? [])]
  }

  #forget(index: number): void {
    this.#first[index] = null
    this.#later?.delete(index)
  }
}
