// Bencode (BEP 3): what is accepted strictly is canonical, so that encoding gives the same bytes again.
import { encodeUtf8, equalBytes } from '../../../base/bytes.ts'
import { FormatError } from '../../../base/errors.ts'
import {
  BencodeDict,
  decode,
  decodePrefix,
  encode,
  keyToBytes,
  type BencodeValue,
  type OddityCode,
} from '../../../protocol/bencode/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureBytes, fixtureFiles } from '../fixtures.ts'
import { type Target, unlessRefused } from '../target.ts'

const MISSING = 'no such key'
const REFUSALS = [FormatError]

interface Answers {
  readonly strict: BencodeValue | null
  readonly lenient: BencodeValue
  /** Where the lenient one ends. */
  readonly end: number
  readonly oddities: readonly OddityCode[]
}

export const bencode: Target<Answers> = {
  name: 'bencode',
  seeds: [
    ...fixtureBytes('bencode.json', 'hex'),
    ...fixtureFiles('torrents').filter((torrent) => torrent.length < 4096),
    manyKeys(),
    encodeUtf8('i1234567890123456789e'),
    encodeUtf8('d40:0123456789012345678901234567890123456789i1ee'),
  ],
  isBencode: true,
  words: ['i', 'l', 'd', 'e', 'i0e', 'le', 'de', '0:', '1:a', '4294967296:', 'l'.repeat(101), 'd1:a'.repeat(101)],
  refusals: REFUSALS,
  parse(input) {
    const strict = unlessRefused(REFUSALS, () => decode(input))
    const oddities: OddityCode[] = []
    const { value: lenient, end } = decodePrefix(input, {
      lenient: true,
      onOddity: ({ code }) => void oddities.push(code),
    })
    return { strict, lenient, end, oddities }
  },
  check({ strict, lenient, end, oddities }, input) {
    const canonical = encode(lenient)
    expectTrue(end > 0 && end <= input.length, 'a value ends within the input')
    // Integers have no bounds in an encoder.
    const isDecodable = !oddities.includes('beyond_int64')
    expectTrue(
      !isDecodable || equalBytes(encode(decode(canonical)), canonical),
      'what was written is accepted strictly',
    )
    const isCanonical = equalBytes(canonical, input.subarray(0, end))
    expectTrue(isCanonical || oddities.length > 0, 'what has no oddities is canonical')
    const isWhole = end === input.length
    expectTrue(
      (strict !== null) === (oddities.length === 0 && isWhole),
      'strictly accepted is what is whole and has no oddities',
    )
    if (lenient instanceof BencodeDict) checkDict(lenient)
  },
  sources: [
    { path: 'protocol/bencode/decode.ts' },
    { path: 'protocol/bencode/bencode-dict.ts' },
    { path: 'protocol/bencode/encode.ts' },
  ],
}

function checkDict(dict: BencodeDict): void {
  const nothing = [dict.get(MISSING), dict.raw(MISSING), dict.rangeOf(MISSING)]
  expectSame(nothing, [undefined, null, null], 'a key that is not there is not found')
  expectTrue(dict.size === dict.values.length && !dict.has(MISSING), 'each key has a value')
  for (const [at, key] of dict.keys.slice(0, 20).entries()) {
    const value = dict.values[at]
    expectTrue(dict.has(key) && dict.get(key) === value, 'a key leads to its value')
    expectTrue(keyToBytes(key).length === key.length, 'a key has one character per byte')
    expectSame(decode(dict.raw(key)!, { lenient: true }), value, 'the raw bytes of a value are that value')
    const kinds = [dict.int(key), dict.bytes(key), dict.list(key), dict.dict(key)]
    expectTrue(
      kinds.filter((kind) => kind !== null).length === (typeof value === 'bigint' ? 0 : 1),
      'a value has one type',
    )
    expectTrue(dict.text(key) === null || value instanceof Uint8Array, 'only a byte string is a text')
  }
}

/** More than a dictionary looks through without an index. */
function manyKeys(): Uint8Array {
  return encode(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`key ${i}`, i])))
}
