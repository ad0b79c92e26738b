// The peers of one torrent and one address family, packed into one byte array: no object, string or map entry per peer.
// A record is the compact address (BEP 23, BEP 7: an answer copies it as it is), the peer id, and when it expires.
// Seeders stand before leechers, in no order otherwise. So counts cost nothing, a seeder is told of leechers without looking
// through seeders, and adding, removing and drawing take the same time however many there are.
import type { IpLength } from '../base/address.ts'
import type { Random } from '../platform/platform.ts'
import { AddressIndex, hashBytes } from './address-index.ts'

const PEER_ID_LENGTH = 20
const EXPIRY_LENGTH = 4
const FIRST_CAPACITY = 2
/** Fewer peers than this are looked through quicker than an index is kept. */
const INDEX_FROM = 32

export class PeerArray {
  /** Bytes of a compact address: IP and port. */
  readonly addressLength: number
  readonly #recordLength: number
  readonly #seed: number
  #bytes: Uint8Array
  #size = 0
  #seeders = 0
  #index: AddressIndex | null = null

  /** `seed`: of the hashes of addresses, random. */
  constructor(ipLength: IpLength, seed: number) {
    this.addressLength = ipLength + 2
    this.#recordLength = this.addressLength + PEER_ID_LENGTH + EXPIRY_LENGTH
    this.#seed = seed
    this.#bytes = new Uint8Array(FIRST_CAPACITY * this.#recordLength)
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
    const at = position * this.#recordLength
    // From behind: ports and the ends of IPs differ most often.
    for (let i = this.addressLength - 1; i >= 0; i--) if (this.#bytes[at + i] !== address[i]) return false
    return true
  }

  isSeeder(position: number): boolean {
    return position < this.#seeders
  }

  /** Adds a peer that is not there yet. `expiresAt` in seconds, below 2^32. */
  add(address: Uint8Array, peerId: Uint8Array, isSeeder: boolean, expiresAt: number): void {
    this.#fit(this.#size + 1)
    const position = this.#size++
    const at = position * this.#recordLength
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
    this.#shrink()
  }

  /** Seconds, as given. */
  expiresAt(position: number): number {
    const at = this.#expiryAt(position)
    const bytes = this.#bytes
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  }

  /** A view, valid until the next change. */
  addressAt(position: number): Uint8Array {
    const at = position * this.#recordLength
    return this.#bytes.subarray(at, at + this.addressLength)
  }

  peerIdAt(position: number): Uint8Array {
    const at = position * this.#recordLength + this.addressLength
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
    const bytes = this.#bytes
    let at = start
    for (let i = 0; i < count; i++) {
      const from = positions[i] * this.#recordLength
      for (let j = 0; j < this.addressLength; j++) into[at++] = bytes[from + j]
    }
    return at
  }

  #expiryAt(position: number): number {
    return (position + 1) * this.#recordLength - EXPIRY_LENGTH
  }

  #setExpiry(position: number, seconds: number): void {
    const at = this.#expiryAt(position)
    this.#bytes[at] = seconds >>> 24
    this.#bytes[at + 1] = seconds >>> 16
    this.#bytes[at + 2] = seconds >>> 8
    this.#bytes[at + 3] = seconds
  }

  #hashAt(position: number): number {
    const at = position * this.#recordLength
    return hashBytes(this.#bytes, at, at + this.addressLength, this.#seed)
  }

  /** From behind the seeders to their end. */
  #becomeSeeder(position: number): void {
    this.#swap(position, this.#seeders++)
  }

  #swap(a: number, b: number): void {
    if (a === b) return
    const [hashA, hashB] = this.#index ? [this.#hashAt(a), this.#hashAt(b)] : [0, 0]
    const length = this.#recordLength
    const record = this.#bytes.slice(a * length, (a + 1) * length)
    this.#bytes.copyWithin(a * length, b * length, (b + 1) * length)
    this.#bytes.set(record, b * length)
    if (!this.#index) return
    // Over a position that nobody has: two peers must not stand at one.
    this.#index.move(hashA, a, this.#size)
    this.#index.move(hashB, b, a)
    this.#index.move(hashA, this.#size, b)
  }

  #move(from: number, to: number): void {
    if (from === to) return
    const length = this.#recordLength
    this.#index?.move(this.#hashAt(from), from, to)
    this.#bytes.copyWithin(to * length, from * length, (from + 1) * length)
  }

  #makeIndex(): void {
    this.#index = new AddressIndex()
    for (let position = 0; position < this.#size; position++) this.#index.add(this.#hashAt(position), position)
  }

  #fit(size: number): void {
    const capacity = this.#bytes.length / this.#recordLength
    if (size > capacity) this.#resize(Math.ceil(capacity * 1.5) + 1)
  }

  #shrink(): void {
    const capacity = this.#bytes.length / this.#recordLength
    if (capacity > FIRST_CAPACITY && 3 * this.#size < capacity) this.#resize(Math.max(FIRST_CAPACITY, 2 * this.#size))
  }

  #resize(capacity: number): void {
    const old = this.#bytes
    this.#bytes = new Uint8Array(capacity * this.#recordLength)
    this.#bytes.set(old.subarray(0, this.#size * this.#recordLength))
  }
}
