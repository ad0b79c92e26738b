// Bencode (BEP 3) from bytes. What must hold: integers keep every digit, nothing is allocated from a length that was not
// checked, depth and number of values are bounded, and whatever the bytes are, the only error is a FormatError.
// Strict by default, as the standard is. `lenient` accepts what real torrents and trackers do wrong without being
// ambiguous: unsorted or repeated keys (the first counts), leading zeros, integers beyond 64 bits.
import { FormatError } from '../../base/errors.ts'
import { BencodeDict, keyFromBytes, type BencodeValue } from './bencode-dict.ts'

export type OddityCode = 'unsorted_keys' | 'duplicate_key' | 'leading_zero' | 'beyond_int64'

export interface Oddity {
  readonly code: OddityCode
  /** Byte of the document. */
  readonly offset: number
}

export interface DecodeOptions {
  /** Accept what the standard forbids but is unambiguous. Default false. */
  readonly lenient?: boolean
  /** Called in lenient mode for each thing accepted, in the order of the document. */
  readonly onOddity?: (oddity: Oddity) => void
  /** Lists and dictionaries within each other. Default 100; above 1,000 the stack is at risk. */
  readonly maxDepth?: number
  /** Values, those of dictionaries included. Default 250,000: some 60 MB at most, in whatever they are wrapped. */
  readonly maxItems?: number
}

const MAX_DEPTH = 100
const MAX_ITEMS = 250_000
/** Beyond int64 there is no use for integers; conversion of very long ones takes quadratic time. */
const MAX_DIGITS = 64
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
// Nothing is nothing, and takes two bytes of a document: one object is enough for all.
const EMPTY = new Uint8Array(0)
const EMPTY_LIST: readonly BencodeValue[] = []
const EMPTY_DICT = new BencodeDict(EMPTY, [], [], [])

const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const MINUS = 0x2d
const LETTER_D = 0x64
const LETTER_E = 0x65
const LETTER_I = 0x69
const LETTER_L = 0x6c

/**
 * The one value that `bytes` hold, from first to last. Byte strings are views into `bytes`.
 * Throws FormatError: `bencoding`, `duplicate_key`, `trailing_data`, or the limits `depth_exceeded` and `too_many_items`.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): BencodeValue {
  const { value, end } = decodePrefix(bytes, options)
  if (end < bytes.length) {
    throw new FormatError('trailing_data', `Cannot decode bencode: expected the end at byte ${end}`)
  }
  return value
}

/** As `decode`, but bytes may follow; `end` is where they begin (extension messages: a dictionary, then raw bytes). */
export function decodePrefix(bytes: Uint8Array, options: DecodeOptions = {}): { value: BencodeValue; end: number } {
  const decoder = new Decoder(bytes, options)
  const value = decoder.value()
  return { value, end: decoder.position }
}

class Decoder {
  position = 0
  readonly #bytes: Uint8Array
  readonly #lenient: boolean
  readonly #onOddity: ((oddity: Oddity) => void) | undefined
  // What is in the lists and dictionaries that have begun and not ended, those within others after what comes before them.
  // Lists that grow one by one take room for what never comes: hundreds of bytes for each of half a million in a MiB.
  readonly #values: BencodeValue[] = []
  #valueCount = 0
  readonly #keys: string[] = []
  /** Two per key. */
  readonly #ranges: number[] = []
  #keyCount = 0
  #depthLeft: number
  readonly #maxItems: number
  #itemsLeft: number

  constructor(bytes: Uint8Array, options: DecodeOptions) {
    // A subclass (Node's Buffer) would hand out views of its own kind.
    this.#bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#lenient = options.lenient ?? false
    this.#onOddity = options.onOddity
    this.#depthLeft = options.maxDepth ?? MAX_DEPTH
    this.#maxItems = this.#itemsLeft = options.maxItems ?? MAX_ITEMS
  }

  value(): BencodeValue {
    if (--this.#itemsLeft < 0) throw this.#error('too_many_items', `more than ${this.#maxItems} values`)
    switch (this.#bytes[this.position]) {
      case LETTER_I:
        return this.#integer()
      case LETTER_L:
        return this.#list()
      case LETTER_D:
        return this.#dict()
      default:
        return this.#string()
    }
  }

  #list(): readonly BencodeValue[] {
    this.#enter()
    const first = this.#valueCount
    while (this.#bytes[this.position] !== LETTER_E) this.#pushValue(this.value())
    this.#leave()
    return this.#takeValues(first)
  }

  #dict(): BencodeDict {
    this.#enter()
    const firstKey = this.#keyCount
    const firstValue = this.#valueCount
    let highest = ''
    let seen: Set<string> | null = null // made when a key is out of order, for only then can one hide a duplicate
    while (this.#bytes[this.position] !== LETTER_E) {
      const keyStart = this.position
      const textStart = this.#skipString('a key')
      const key = keyText(this.#bytes, textStart, this.position)
      let isDuplicate = false
      if (this.#keyCount === firstKey || key > highest) highest = key
      else {
        seen ??= new Set(this.#keys.slice(firstKey, this.#keyCount))
        isDuplicate = seen.has(key)
        if (isDuplicate) this.#odd('duplicate_key', keyStart)
        else this.#odd('unsorted_keys', keyStart)
      }
      const start = this.position
      const value = this.value()
      if (isDuplicate) continue
      seen?.add(key)
      this.#pushValue(value)
      this.#pushKey(key, start)
    }
    this.#leave()
    if (this.#keyCount === firstKey) return EMPTY_DICT
    const keys = this.#keys.slice(firstKey, this.#keyCount)
    const ranges = this.#ranges.slice(2 * firstKey, 2 * this.#keyCount)
    this.#keyCount = firstKey
    return new BencodeDict(this.#bytes, keys, this.#takeValues(firstValue), ranges)
  }

  #pushValue(value: BencodeValue): void {
    this.#values[this.#valueCount++] = value
  }

  /** The values from `first` on have found their list or dictionary. */
  #takeValues(first: number): readonly BencodeValue[] {
    if (this.#valueCount === first) return EMPTY_LIST
    const values = this.#values.slice(first, this.#valueCount)
    this.#valueCount = first
    return values
  }

  /** @param start where its value begins, which ends where we are */
  #pushKey(key: string, start: number): void {
    this.#ranges[2 * this.#keyCount] = start
    this.#ranges[2 * this.#keyCount + 1] = this.position
    this.#keys[this.#keyCount++] = key
  }

  #enter(): void {
    if (--this.#depthLeft < 0) throw this.#error('depth_exceeded', 'too many levels')
    this.position++
  }

  #leave(): void {
    this.#depthLeft++
    this.position++
  }

  #string(): Uint8Array {
    const start = this.#skipString('a value')
    return start === this.position ? EMPTY : this.#bytes.subarray(start, this.position)
  }

  /** Goes to the end of a string, and returns where its bytes begin. */
  #skipString(expected: string): number {
    const bytes = this.#bytes
    const first = this.position
    let at = first
    let length = 0
    for (let byte = bytes[at]; byte >= ZERO && byte <= NINE; byte = bytes[++at]) {
      length = length * 10 + (byte - ZERO)
      if (length > bytes.length) throw this.#error('bencoding', 'a string reaches beyond the end')
    }
    if (at === first) throw this.#error('bencoding', `expected ${expected}`)
    if (bytes[at] !== COLON) throw this.#error('bencoding', 'expected ":"', at)
    if (bytes[first] === ZERO && at > first + 1) this.#odd('leading_zero', first)
    const start = at + 1
    const end = start + length
    if (end > bytes.length) throw this.#error('bencoding', 'a string reaches beyond the end')
    this.position = end
    return start
  }

  #integer(): number | bigint {
    const bytes = this.#bytes
    const start = this.position + 1
    const isNegative = bytes[start] === MINUS
    const first = isNegative ? start + 1 : start
    let at = first
    let magnitude = 0 // exact up to 15 digits
    for (let byte = bytes[at]; byte >= ZERO && byte <= NINE; byte = bytes[++at])
      magnitude = magnitude * 10 + (byte - ZERO)
    const digits = at - first
    if (digits === 0) throw this.#error('bencoding', 'expected a digit', at)
    if (bytes[at] !== LETTER_E) throw this.#error('bencoding', 'expected "e"', at)
    if (digits > MAX_DIGITS) throw this.#error('bencoding', 'an integer is too long', first)
    if (isNegative && magnitude === 0) throw this.#error('bencoding', 'an integer is minus zero', start)
    if (bytes[first] === ZERO && digits > 1) this.#odd('leading_zero', first)
    this.position = at + 1
    if (digits <= 15) return isNegative ? -magnitude : magnitude
    const exact = BigInt(keyText(bytes, start, at))
    if (exact > INT64_MAX || exact < INT64_MIN) this.#odd('beyond_int64', start)
    const rounded = Number(exact)
    return Number.isSafeInteger(rounded) ? rounded : exact
  }

  #odd(code: OddityCode, offset: number): void {
    if (this.#lenient) this.#onOddity?.({ code, offset })
    else throw this.#error(code === 'duplicate_key' ? code : 'bencoding', ODDITY_TEXT[code], offset)
  }

  #error(code: string, problem: string, offset = this.position): FormatError {
    return new FormatError(code, `Cannot decode bencode: ${problem} at byte ${offset}`)
  }
}

const ODDITY_TEXT: Readonly<Record<OddityCode, string>> = {
  unsorted_keys: 'a key is out of order',
  duplicate_key: 'a key is repeated',
  leading_zero: 'a number has a leading zero',
  beyond_int64: 'an integer does not fit in 64 bits',
}

// The same few keys come again for each of a hundred thousand files: remembering one per slot saves making most of them.
const recentKeys: string[] = Array<string>(256).fill('')
const LONGEST_REMEMBERED = 32

/** Text with one character per byte. */
function keyText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  if (length > LONGEST_REMEMBERED) return keyFromBytes(bytes.subarray(start, end))
  const slot = (length + bytes[start] * 31 + bytes[end - 1] * 7) & 0xff
  const recent = recentKeys[slot]
  if (recent.length === length) {
    let at = 0
    while (at < length && recent.charCodeAt(at) === bytes[start + at]) at++
    if (at === length) return recent
  }
  return (recentKeys[slot] = keyFromBytes(bytes.subarray(start, end)))
}
