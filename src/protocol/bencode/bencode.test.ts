import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalBytes, fromHex, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import {
  BencodeDict,
  decode,
  decodePrefix,
  encode,
  isList,
  keyFromBytes,
  keyToBytes,
  type BencodeInput,
} from './index.ts'
import type { BencodeValue, Oddity } from './index.ts'

interface Vector {
  readonly id: string
  readonly verdict: 'valid' | 'invalid' | 'lenient' | 'limit'
  readonly hex?: string
  readonly generate?: string
  readonly value?: unknown
  readonly soft?: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/bencode.json', import.meta.url), 'utf8'),
) as Vector[]

const GENERATED: Readonly<Record<string, Uint8Array>> = {
  'depth-1024': ascii('l'.repeat(1024) + 'e'.repeat(1024)),
  'items-5000': ascii(`l${'0:'.repeat(5119)}e`),
  'string-1M': ascii(`1000000:${'x'.repeat(1_000_000)}`),
}

const SOFT: Readonly<Record<string, string>> = {
  'unsorted keys': 'unsorted_keys',
  'duplicate key': 'duplicate_key',
  'leading zero in integer': 'leading_zero',
  'leading zero in string length': 'leading_zero',
  'does not fit int64': 'beyond_int64',
}

/** What decoding answers: a value in the fixtures' notation, or the code of the error. */
function outcome(bytes: Uint8Array, lenient: boolean): unknown {
  const oddities = new Set<string>()
  try {
    return { value: described(decode(bytes, { lenient, onOddity: ({ code }) => oddities.add(code) })), oddities }
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
}

describe('of the documents that projects test their decoders with', () => {
  for (const { id, verdict, hex, generate, value, soft } of vectors) {
    const bytes = generate === undefined ? fromHex(hex!)! : GENERATED[id]
    const whole = { value: normalised(value), oddities: new Set(soft === undefined ? [] : [SOFT[soft]]) }
    const refusal = expect.stringMatching(/^(?:bencoding|duplicate_key|trailing_data)$/) as unknown

    if (verdict === 'invalid') {
      test(`${id} is refused`, () => expect([outcome(bytes, false), outcome(bytes, true)]).toEqual([refusal, refusal]))
    } else if (verdict === 'limit') {
      test(`${id} is beyond a limit`, () => expect(outcome(bytes, true)).toBe('depth_exceeded'))
    } else if (verdict === 'lenient') {
      test(`${id} is only taken leniently`, () => {
        expect([outcome(bytes, false), outcome(bytes, true)]).toEqual([refusal, whole])
      })
    } else {
      test(`${id} is decoded, and encoded to the same bytes`, () => {
        expect(equalBytes(encode(decode(bytes)), bytes)).toBe(true)
        expect(value === undefined ? whole : outcome(bytes, false)).toEqual(whole)
      })
    }
  }
})

test('an error says what was expected, and at which byte', () => {
  expect(() => decode(ascii('d3:abc4spam'))).toThrow('Cannot decode bencode: expected ":" at byte 7')
  expect(() => decode(ascii('li1e'))).toThrow('Cannot decode bencode: expected a value at byte 4')
  expect(codeOf(() => decode(ascii('i1eX')))).toBe('trailing_data')
  expect(codeOf(() => decode(ascii('d1:ai1e1:ai2ee')))).toBe('duplicate_key')
})

test('a value gives its exact bytes, however it was written', () => {
  const document = ascii('d4:infod1:bi01e1:ai2ee5:otheri3ee')
  const dict = decode(document, { lenient: true }) as BencodeDict
  expect(dict.raw('info')).toEqual(ascii('d1:bi01e1:ai2ee'))
  expect(dict.rangeOf('other')).toEqual({ start: 29, end: 32 })
  expect(dict.raw('missing')).toBeNull()
})

test('a prefix is decoded up to where other bytes begin', () => {
  const { value, end } = decodePrefix(ascii('d8:msg_typei1eeRAW'))
  expect((value as BencodeDict).int('msg_type')).toBe(1)
  expect(end).toBe(15)
})

test('byte strings are views of plain Uint8Array, also when a Buffer is decoded', () => {
  const buffer = Buffer.from('xx3:abc').subarray(2)
  const value = decode(buffer) as Uint8Array
  expect(value.constructor).toBe(Uint8Array)
  expect(value.buffer).toBe(buffer.buffer)
})

test('a dictionary answers null for what is missing or of another type', () => {
  const dict = decode(ascii('d1:ai1e1:bi9007199254740993e1:c2:\xff\xfe1:dle1:ede1:f1:xe')) as BencodeDict
  expect([dict.int('a'), dict.int('b'), dict.int('f'), dict.int('z')]).toEqual([1, null, null, null])
  expect([dict.text('f'), dict.text('c'), dict.text('a')]).toEqual(['x', null, null])
  expect([dict.bytes('c'), dict.bytes('a')]).toEqual([new Uint8Array([0xff, 0xfe]), null])
  expect([dict.list('d'), dict.list('e'), dict.dict('d')]).toEqual([[], null, null])
  expect(dict.dict('e')?.size).toBe(0)
  expect([dict.has('a'), dict.has('z'), dict.get('z')]).toEqual([true, false, undefined])
})

test('in a large dictionary every key is found', () => {
  const entries = Array.from({ length: 1000 }, (_, i): [string, number] => [`key ${i}`, i])
  const dict = decode(encode(new Map(entries))) as BencodeDict
  for (const [key, value] of entries) expect(dict.int(key)).toBe(value)
  expect(dict.has('key 1000')).toBe(false)
})

test('a duplicate is seen wherever it stands, and the first counts', () => {
  const oddities: Oddity[] = []
  const dict = decode(ascii('d1:bi1e1:ai2e1:ci3e1:ai4e1:bi5ee'), {
    lenient: true,
    onOddity: (oddity) => oddities.push(oddity),
  }) as BencodeDict
  expect(dict.keys).toEqual(['b', 'a', 'c'])
  expect(dict.values).toEqual([1, 2, 3])
  expect(oddities).toEqual([
    { code: 'unsorted_keys', offset: 7 },
    { code: 'duplicate_key', offset: 19 },
    { code: 'duplicate_key', offset: 25 },
  ])
})

test('depth and number of values are bounded', () => {
  const nested = ascii('l'.repeat(5) + 'e'.repeat(5))
  expect(codeOf(() => decode(nested, { maxDepth: 4 }))).toBe('depth_exceeded')
  expect(codeOf(() => decode(nested, { maxDepth: 5 }))).toBeNull()
  expect(codeOf(() => decode(ascii('l0:0:0:e'), { maxItems: 3 }))).toBe('too_many_items')
  expect(codeOf(() => decode(ascii('l0:0:0:e'), { maxItems: 4 }))).toBeNull()
  expect(codeOf(() => decode(ascii(`i${'9'.repeat(65)}e`), { lenient: true }))).toBe('bencoding')
})

test('no more values than are usual anywhere are taken, unless a caller has use for more', () => {
  const many = ascii(`l${'i0e'.repeat(250_000)}e`)
  expect(() => decode(many)).toThrow('Cannot decode bencode: more than 250000 values at byte 749998')
  expect((decode(many, { maxItems: 250_001 }) as BencodeValue[]).length).toBe(250_000)
})

test('what is empty is one object, however often it is said', () => {
  for (const [document, kinds] of [
    ['le', 1],
    ['de', 1],
    ['0:', 1],
    ['lede0:', 3],
  ] as const) {
    const list = decode(ascii(`l${document.repeat(1000)}e`)) as BencodeValue[]
    expect([list.length, new Set(list).size]).toEqual([1000 * kinds, kinds])
  }
  const { keys, values } = decode(ascii('d0:de1:ad1:bleee')) as BencodeDict
  expect([keys, (values[0] as BencodeDict).size, (values[1] as BencodeDict).keys]).toEqual([['', 'a'], 0, ['b']])
})

test('what is within others does not come between them', () => {
  const document = 'd1:ali1el1:xei2ee1:bd1:cd1:di3e1:ele1:fi4ee1:gi5ee1:hi6ee'
  expect(encode(decode(ascii(document)))).toEqual(ascii(document))
  const outer = decode(ascii(document)) as BencodeDict
  expect([outer.keys, outer.dict('b')?.keys, outer.dict('b')?.dict('c')?.keys]).toEqual([
    ['a', 'b', 'h'],
    ['c', 'g'],
    ['d', 'e', 'f'],
  ])
  expect(outer.dict('b')?.raw('g')).toEqual(ascii('i5e'))
})

test('what has no bencode is refused', () => {
  for (const number of [1.5, Number.NaN, 2 ** 53, Infinity]) expect(() => encode(number)).toThrow(RangeError)
  expect(() => encode({ '\u0100': 1 })).toThrow(RangeError)
})

test('undefined entries are left out, and keys come in the order of their bytes', () => {
  expect(encode({ b: undefined, aa: 1, a: -0, B: 'é' })).toEqual(ascii('d1:B2:\xc3\xa91:ai0e2:aai1ee'))
  expect(encode(new Map([['__proto__', 1n]]))).toEqual(ascii('d9:__proto__i1ee'))
})

test('keys and bytes are the same thing', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff)
  expect(keyToBytes(keyFromBytes(bytes))).toEqual(bytes)
})

test('whatever is encoded is decoded to the same', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encode(value)
      expect(encode(decode(bytes))).toEqual(bytes)
      expect(described(decode(bytes))).toEqual(describedInput(value))
    }),
  )
})

test('whatever the bytes are, decoding ends with a value or a FormatError', () => {
  const digits = fc.constantFrom(...'0123456789:ielde-'.split(''))
  const likely = fc.array(digits, { maxLength: 60 }).map((letters) => ascii(letters.join('')))
  fc.assert(
    fc.property(fc.oneof(likely, fc.uint8Array()), fc.boolean(), (bytes, lenient) => {
      expect(codeOf(() => checkPrefix(bytes, lenient))).toSatisfy(
        (code) => code === null || FORMAT_CODES.has(code as string),
      )
    }),
    { numRuns: 5000 },
  )
})

const FORMAT_CODES = new Set(['bencoding', 'duplicate_key', 'depth_exceeded', 'too_many_items'])

/** Throws for a prefix that is not canonical although it was taken strictly. */
function checkPrefix(bytes: Uint8Array, lenient: boolean): void {
  const { value, end } = decodePrefix(bytes, { lenient })
  if (!lenient && toHex(encode(value)) !== toHex(bytes.subarray(0, end))) throw new Error('not canonical')
}

const anyKey = fc.uint8Array({ maxLength: 5 }).map(keyFromBytes)
const anyValue: fc.Arbitrary<BencodeInput> = fc.letrec<{ value: BencodeInput }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.array(fc.tuple(anyKey, tie('value'))).map((entries) => new Map(entries)),
  ),
})).value

function ascii(text: string): Uint8Array {
  return keyToBytes(text)
}

function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
}

/** A value in the notation of the fixtures, all strings in hex, so that two can be compared. */
function described(value: BencodeValue): unknown {
  if (value instanceof Uint8Array) return { x: toHex(value) }
  if (value instanceof BencodeDict) {
    return { d: value.keys.map((key, i) => [{ x: toHex(keyToBytes(key)) }, described(value.values[i])]) }
  }
  return isList(value) ? { l: value.map(described) } : { i: String(value) }
}

function describedInput(value: BencodeInput): unknown {
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string, BencodeInput>)].sort(([a], [b]) => (a < b ? -1 : 1))
    return { d: entries.map(([key, item]) => [{ x: toHex(keyToBytes(key)) }, describedInput(item)]) }
  }
  if (Array.isArray(value)) return { l: (value as readonly BencodeInput[]).map(describedInput) }
  return value instanceof Uint8Array ? { x: toHex(value) } : { i: String(value as number | bigint) }
}

/** The fixtures write printable strings as text. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalised)
  if (typeof value !== 'object' || value === null) return value
  if ('s' in value) return { x: toHex(ascii(value.s as string)) }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normalised(item)]))
}
