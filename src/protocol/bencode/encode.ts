// Bencode (BEP 3) to bytes, in its one canonical form: keys in raw byte order, numbers without leading zeros.
// Decoding a valid document and encoding it again gives the same bytes.
import { encodeUtf8 } from '../../base/bytes.ts'
import { BencodeDict, keyToBytes } from './bencode-dict.ts'

/**
 * Text is written as UTF-8. Keys of a plain object or a Map have one character per byte, as in `BencodeDict`;
 * entries that are `undefined` are left out.
 */
export type BencodeInput =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly BencodeInput[]
  | BencodeDict
  | ReadonlyMap<string, BencodeInput | undefined>
  | { readonly [key: string]: BencodeInput | undefined }

const COLON = 0x3a
const LETTER_D = 0x64
const LETTER_E = 0x65
const LETTER_I = 0x69
const LETTER_L = 0x6c

/** Throws RangeError for a number that is not a safe integer (use a bigint) and for a key that is not one character per byte. */
export function encode(value: BencodeInput): Uint8Array {
  const writer = new Writer()
  writer.value(value)
  return writer.finish()
}

class Writer {
  #bytes = new Uint8Array(256)
  #length = 0

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  value(value: BencodeInput): void {
    if (typeof value === 'number') this.#integer(value)
    else if (typeof value === 'bigint') this.#ascii(`i${value}e`)
    else if (typeof value === 'string') this.#string(encodeUtf8(value))
    else if (value instanceof Uint8Array) this.#string(value)
    else if (isInputList(value)) {
      this.#byte(LETTER_L)
      for (const item of value) this.value(item)
      this.#byte(LETTER_E)
    } else this.#dict(entriesOf(value))
  }

  #dict(entries: [string, BencodeInput | undefined][]): void {
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    this.#byte(LETTER_D)
    for (const [key, value] of entries) {
      if (value === undefined) continue
      this.#string(keyToBytes(key))
      this.value(value)
    }
    this.#byte(LETTER_E)
  }

  #integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`Cannot encode ${value}: not an exact integer`)
    this.#byte(LETTER_I)
    this.#ascii(String(value === 0 ? 0 : value)) // -0 is 0
    this.#byte(LETTER_E)
  }

  #string(bytes: Uint8Array): void {
    this.#ascii(String(bytes.length))
    this.#byte(COLON)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #ascii(text: string): void {
    this.#reserve(text.length)
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = byte
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

function isInputList(value: BencodeInput): value is readonly BencodeInput[] {
  return Array.isArray(value)
}

function entriesOf(
  dict:
    BencodeDict | ReadonlyMap<string, BencodeInput | undefined> | { readonly [key: string]: BencodeInput | undefined },
): [string, BencodeInput | undefined][] {
  if (dict instanceof BencodeDict) return dict.keys.map((key, at) => [key, dict.values[at]])
  if (dict instanceof Map) return [...(dict as ReadonlyMap<string, BencodeInput | undefined>)]
  return Object.entries(dict)
}
