// The peers of one torrent and one address family, packed into one block of bytes: no object, string or map entry per peer.
// A record is the compact address (BEP 23, BEP 7: an answer copies it as it is), the peer id, and when it expires.
// Seeders stand before leechers, in no order otherwise. So counts cost nothing, a seeder is told of leechers without looking
// through seeders, and adding, removing and drawing take the same time however many there are.
import type { IpLength } from '../base/address.ts'
import type { Random } from '../platform/platform.ts'
import { AddressIndex, hashBytes } from './address-index.ts'
import type { BlockPool, Page } from './block-pool.ts'

const PEER_ID_LENGTH = 20
const EXPIRY_LENGTH = 4
const NO_BYTES = new Uint8Array()
/** Peers that a block has room for: each time half as much again. */
const CAPACITIES = [2]
while (CAPACITIES.at(-1)! < 2 ** 27) CAPACITIES.push(Math.ceil(CAPACITIES.at(-1)! * 1.5))
/** Fewer peers than this are looked through quicker than an index is kept. */
const INDEX_FROM = 32

export class PeerArray {
  /** Bytes of a compact address: IP and port. */
  readonly addressLength: number
  readonly #recordLength: number
  readonly #seed: number
  readonly #pool: BlockPool
  /** The block is `#bytes` from `#start` on; -1 in place of a capacity: there is none yet. */
  #capacity = -1
  #page: Page | null = null
  #bytes: Uint8Array = NO_BYTES
  #start = 0
  #size = 0
  #seeders = 0
  #index: AddressIndex | null = null

  /** `seed`: of the hashes of addresses, random. The pool gets its block back when the last peer is removed. */
  constructor(ipLength: IpLength, seed: number, pool: BlockPool) {
    this.addressLength = ipLength + 2
    this.#recordLength = this.addressLength + PEER_ID_LENGTH + EXPIRY_LENGTH
    this.#seed = seed
    this.#pool = pool
  }

  get size(): number {
    return this.#size
  }

  get seeders(): number {
    return this.#seeders
  }

  /** The position of a compact address, or -1. A position holds until the next change. */
  find(address: Uint8Array): number {
    if (this.#index) return this.#index.find(hashBytes(address, 0, this.addressLength, this.#seed), address, this)
    for (let position = 0; position < this.#size; position++) if (this.isAt(position, address)) return position
    return -1
  }

  isAt(position: number, address: Uint8Array): boolean {
    const at = this.#recordAt(position)
    // From behind: ports and the ends of IPs differ most often.
    for (let i = this.addressLength - 1; i >= 0; i--) if (this.#bytes[at + i] !== address[i]) return false
    return true
  }

  isSeeder(position: number): boolean {
    return position < this.#seeders
  }

  /** Adds a peer that is not there yet. `expiresAt` in seconds, below 2^32. */
  add(address: Uint8Array, peerId: Uint8Array, isSeeder: boolean, expiresAt: number): void {
    if (this.#size === this.#room(this.#capacity)) this.#resize(this.#capacity + 1)
    const position = this.#size++
    const at = this.#recordAt(position)
    this.#bytes.set(address, at)
    this.#bytes.set(peerId, at + this.addressLength)
    this.#setExpiry(position, expiresAt)
    if (this.#index) this.#index.add(this.#hashAt(position), position)
    else if (this.#size >= INDEX_FROM) this.#makeIndex()
    if (isSeeder) this.#becomeSeeder(position)
  }

  /** What has changed of the peer at `position`. */
  update(position: number, isSeeder: boolean, expiresAt: number): void {
    this.#setExpiry(position, expiresAt)
    if (isSeeder === this.isSeeder(position)) return
    if (isSeeder) this.#becomeSeeder(position)
    else this.#swap(position, --this.#seeders)
  }

  /** The peer at `position` has another id: its client was started anew. */
  rename(position: number, peerId: Uint8Array): void {
    this.#bytes.set(peerId, this.#recordAt(position) + this.addressLength)
  }

  /** The peers behind `position` may take its place, and no others: who goes from back to front misses nobody. */
  remove(position: number): void {
    let hole = position
    this.#index?.remove(this.#hashAt(position), position)
    if (position < this.#seeders) {
      const lastSeeder = --this.#seeders
      this.#move(lastSeeder, hole)
      hole = lastSeeder
    }
    this.#move(--this.#size, hole)
    if (this.#index && this.#size < INDEX_FROM / 2) this.#index = null
    // Not at once the next smaller block, or who comes and goes at a border would be copied each time.
    if (this.#size === 0) this.#resize(-1)
    else if (this.#size <= this.#room(this.#capacity - 2)) this.#resize(this.#capacity - 1)
  }

  /** Moves out of a page that few are in, so that pages become free however blocks have come and gone. */
  compact(): void {
    if (this.#page && this.#pool.isSparse(this.#page)) this.#resize(this.#capacity)
  }

  /** Seconds, as given. */
  expiresAt(position: number): number {
    const at = this.#expiryAt(position)
    const bytes = this.#bytes
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  }

  /** A view, valid until the next change. */
  addressAt(position: number): Uint8Array {
    const at = this.#recordAt(position)
    return this.#bytes.subarray(at, at + this.addressLength)
  }

  peerIdAt(position: number): Uint8Array {
    const at = this.#recordAt(position) + this.addressLength
    return this.#bytes.slice(at, at + PEER_ID_LENGTH)
  }

  /**
   * Writes up to `limit` positions into `drawn` and returns how many: without `own` (-1: nobody), and leechers alone where
   * `onlyLeechers`. Chance decides: the candidates are cut into `limit` equal parts, and each part gives one.
   */
  draw(limit: number, own: number, onlyLeechers: boolean, random: Pick<Random, 'below'>, drawn: Int32Array): number {
    const first = onlyLeechers ? this.#seeders : 0
    const hasOwn = own >= first
    const candidates = this.#size - first - (hasOwn ? 1 : 0)
    const count = Math.min(limit, candidates, drawn.length)
    let start = 0
    for (let i = 0; i < count; i++) {
      const end = Math.floor(((i + 1) * candidates) / count)
      const position = first + start + (end - start > 1 ? random.below(end - start) : 0)
      drawn[i] = hasOwn && position >= own ? position + 1 : position
      start = end
    }
    return count
  }

  /** Writes the compact addresses at the first `count` of these positions; returns where they end. */
  pack(positions: Int32Array, count: number, into: Uint8Array, start: number): number {
    const { addressLength } = this
    // Fifty times for each answer: fields are read once.
    const [bytes, first, recordLength] = [this.#bytes, this.#start, this.#recordLength]
    let at = start
    for (let i = 0; i < count; i++) {
      const from = first + positions[i] * recordLength
      for (let j = 0; j < addressLength; j++) into[at++] = bytes[from + j]
    }
    return at
  }

  #recordAt(position: number): number {
    return this.#start + position * this.#recordLength
  }

  #expiryAt(position: number): number {
    return this.#recordAt(position + 1) - EXPIRY_LENGTH
  }

  #setExpiry(position: number, seconds: number): void {
    const at = this.#expiryAt(position)
    this.#bytes[at] = seconds >>> 24
    this.#bytes[at + 1] = seconds >>> 16
    this.#bytes[at + 2] = seconds >>> 8
    this.#bytes[at + 3] = seconds
  }

  #hashAt(position: number): number {
    const at = this.#recordAt(position)
    return hashBytes(this.#bytes, at, at + this.addressLength, this.#seed)
  }

  /** From behind the seeders to their end. */
  #becomeSeeder(position: number): void {
    this.#swap(position, this.#seeders++)
  }

  #swap(a: number, b: number): void {
    if (a === b) return
    const [hashA, hashB] = this.#index ? [this.#hashAt(a), this.#hashAt(b)] : [0, 0]
    const [atA, atB, length] = [this.#recordAt(a), this.#recordAt(b), this.#recordLength]
    const record = this.#bytes.slice(atA, atA + length)
    this.#bytes.copyWithin(atA, atB, atB + length)
    this.#bytes.set(record, atB)
    if (!this.#index) return
    // Over a position that nobody has: two peers must not stand at one.
    this.#index.move(hashA, a, this.#size)
    this.#index.move(hashB, b, a)
    this.#index.move(hashA, this.#size, b)
  }

  #move(from: number, to: number): void {
    if (from === to) return
    this.#index?.move(this.#hashAt(from), from, to)
    this.#bytes.copyWithin(this.#recordAt(to), this.#recordAt(from), this.#recordAt(from + 1))
  }

  #makeIndex(): void {
    this.#index = new AddressIndex()
    for (let position = 0; position < this.#size; position++) this.#index.add(this.#hashAt(position), position)
  }

  #room(capacity: number): number {
    return capacity < 0 ? 0 : CAPACITIES[capacity]
  }

  #resize(capacity: number): void {
    const [oldPage, oldBytes, oldStart] = [this.#page, this.#bytes, this.#start]
    this.#capacity = capacity
    this.#page = capacity < 0 ? null : this.#pool.page(this.#room(capacity) * this.#recordLength)
    this.#bytes = this.#page?.bytes ?? NO_BYTES
    this.#start = this.#page ? this.#pool.takeBlock(this.#page) : 0
    this.#bytes.set(oldBytes.subarray(oldStart, oldStart + this.#size * this.#recordLength), this.#start)
    if (oldPage) this.#pool.giveBack(oldPage, oldStart)
  }
}
