// A decoded bencode dictionary, and the types of the values that can be in one (BEP 3).
// Keys are bytes. Here they are strings with one character per byte (Latin-1): exact for binary keys (DHT scrapes, piece layers),
// equal to the text for ASCII ones, and JavaScript's string order is the raw byte order that bencode asks for.
import { decodeUtf8Strict } from '../../base/bytes.ts'

/** An integer is a `number` when that is exact, else a `bigint`; a byte string is a view into the decoded bytes. */
export type BencodeValue = number | bigint | Uint8Array | readonly BencodeValue[] | BencodeDict

/** Dictionaries up to this size are searched from the start: cheaper than an index. */
const INDEX_ABOVE = 16

export class BencodeDict {
  /** In the order of the document, each once: of a duplicate key the first counts. One character per byte. */
  readonly keys: readonly string[]
  /** `values[i]` belongs to `keys[i]`. */
  readonly values: readonly BencodeValue[]
  readonly #source: Uint8Array
  /** Two per key: where in the source its value begins and ends. */
  readonly #ranges: readonly number[]
  #index: Map<string, number> | null = null

  /** Made by the decoder. */
  constructor(source: Uint8Array, keys: readonly string[], values: readonly BencodeValue[], ranges: readonly number[]) {
    this.#source = source
    this.keys = keys
    this.values = values
    this.#ranges = ranges
  }

  get size(): number {
    return this.keys.length
  }

  has(key: string): boolean {
    return this.#find(key) >= 0
  }

  get(key: string): BencodeValue | undefined {
    const at = this.#find(key)
    return at < 0 ? undefined : this.values[at]
  }

  /** The exact bytes that stood in the document for this key's value: what an infohash or a signature covers. */
  raw(key: string): Uint8Array | null {
    const range = this.rangeOf(key)
    return range === null ? null : this.#source.subarray(range.start, range.end)
  }

  /** Where in the decoded bytes this key's value stands; `end` is exclusive. */
  rangeOf(key: string): { start: number; end: number } | null {
    const at = this.#find(key)
    return at < 0 ? null : { start: this.#ranges[2 * at], end: this.#ranges[2 * at + 1] }
  }

  // What a stranger wrote is often missing or of another type: both are null here.

  /** Null also for an integer beyond 2^53. */
  int(key: string): number | null {
    const value = this.get(key)
    return typeof value === 'number' ? value : null
  }

  bytes(key: string): Uint8Array | null {
    const value = this.get(key)
    return value instanceof Uint8Array ? value : null
  }

  /** Null also for bytes that are not UTF-8. */
  text(key: string): string | null {
    const value = this.get(key)
    return value instanceof Uint8Array ? decodeUtf8Strict(value) : null
  }

  list(key: string): readonly BencodeValue[] | null {
    const value = this.get(key)
    return isList(value) ? value : null
  }

  dict(key: string): BencodeDict | null {
    const value = this.get(key)
    return value instanceof BencodeDict ? value : null
  }

  #find(key: string): number {
    if (this.keys.length <= INDEX_ABOVE) return this.keys.indexOf(key)
    this.#index ??= new Map(this.keys.map((key, at) => [key, at]))
    return this.#index.get(key) ?? -1
  }
}

export function isList(value: BencodeValue | undefined): value is readonly BencodeValue[] {
  return Array.isArray(value)
}

/** The bytes of a dictionary key. */
export function keyToBytes(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    if (code > 0xff) throw new RangeError(`Cannot use the key ${JSON.stringify(key)}: a key has one character per byte`)
    bytes[i] = code
  }
  return bytes
}

/** The dictionary key of these bytes (for a text key beyond ASCII: `keyFromBytes(encodeUtf8(text))`). */
export function keyFromBytes(bytes: Uint8Array): string {
  let key = ''
  // In parts, because arguments go on the stack.
  for (let at = 0; at < bytes.length; at += 1024)
    key += characters(bytes.length > 1024 ? bytes.subarray(at, at + 1024) : bytes)
  return key
}

/** Arguments that are spread would become a list first. */
function characters(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}
