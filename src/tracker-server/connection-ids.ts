// Connection ids of the UDP tracker (BEP 15): whoever sends one back can read what is sent to its address, so answers longer than
// requests go to nobody who did not ask. An id is a keyed hash of the IP and the time: nothing must be kept for it, and nobody else's is
// worth anything. It is valid for two to four minutes. Who has got one mostly sends it back at once: the last hashes are remembered.
import { hash } from 'node:crypto'

const SLOT_MS = 120_000
const ID_LENGTH = 8
const SECRET_LENGTH = 32
/** Hashes that are remembered, a power of two: of the clients that come within a round trip. */
const REMEMBERED = 1024

interface Hashed {
  /** Compact. */
  readonly address: Uint8Array
  readonly slot: number
  readonly text: string
}

export class ConnectionIds {
  /** Secret, number of the time slot, IP, length of the compact address. */
  readonly #hashed: Uint8Array
  readonly #view: DataView
  readonly #remembered: (Hashed | undefined)[] = Array.from({ length: REMEMBERED })

  /** `secret`: 32 random bytes. */
  constructor(secret: Uint8Array) {
    this.#hashed = new Uint8Array(SECRET_LENGTH + 4 + 16 + 1)
    this.#hashed.set(secret.subarray(0, SECRET_LENGTH))
    this.#view = new DataView(this.#hashed.buffer)
  }

  /** 8 bytes for whoever has this compact address. `now` in milliseconds. */
  issue(address: Uint8Array, now: number): Uint8Array {
    const slot = Math.floor(now / SLOT_MS)
    const text = this.#textOf(address, slot)
    return Uint8Array.from({ length: ID_LENGTH }, (_, i) => byteOf(text, slot, i))
  }

  isValid(id: Uint8Array, address: Uint8Array, now: number): boolean {
    const slot = Math.floor(now / SLOT_MS)
    // The last bit tells which of the two slots it is of: one hash is enough.
    const issuedIn = (id[ID_LENGTH - 1] & 1) === (slot & 1) ? slot : slot - 1
    const text = this.#textOf(address, issuedIn)
    let difference = 0
    for (let i = 0; i < ID_LENGTH; i++) difference |= id[i] ^ byteOf(text, issuedIn, i)
    return difference === 0
  }

  #textOf(address: Uint8Array, slot: number): string {
    const end = address.length - 2
    const place = ((address[end - 1] << 4) ^ (address[end - 2] << 2) ^ address[end - 3]) & (REMEMBERED - 1)
    const known = this.#remembered[place]
    if (known !== undefined && known.slot === slot && isSameIp(known.address, address)) return known.text
    const text = this.#compute(address, slot)
    this.#remembered[place] = { address: address.slice(), slot, text }
    return text
  }

  /** As text, a character per byte: thrice as quick to get as bytes. The address's port is left out: ids belong to IPs. */
  #compute(address: Uint8Array, slot: number): string {
    this.#view.setUint32(SECRET_LENGTH, slot)
    const start = SECRET_LENGTH + 4
    this.#hashed.fill(0, start)
    for (let i = 0; i < address.length - 2; i++) this.#hashed[start + i] = address[i]
    this.#hashed[start + 16] = address.length
    return hash('sha1', this.#hashed, 'binary')
  }
}

function isSameIp(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length - 2; i++) if (one[i] !== other[i]) return false
  return true
}

function byteOf(text: string, slot: number, i: number): number {
  const byte = text.charCodeAt(i)
  return i === ID_LENGTH - 1 ? (byte & 0xfe) | (slot & 1) : byte
}
