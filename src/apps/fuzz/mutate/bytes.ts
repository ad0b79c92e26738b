// Changes to bytes whatever they mean: what a broken line, a careless program or a stranger would do to them.
import { concatBytes, encodeUtf8 } from '../../../base/bytes.ts'
import type { SeededRandom } from '../../../sim/index.ts'

/** Cases are no longer than this: time and memory that a parser takes beyond are a matter of its own limits. */
export const MAX_CASE_BYTES = 256 * 1024
/** What a change adds at most: little, as time is better spent on many cases, but now and then all there may be. */
const USUAL_BYTES = 256
const LARGE_CHANGES = 0.004

const STRIKING_BYTES = [
  0, 1, 0x0a, 0x20, 0x25, 0x2e, 0x2f, 0x30, 0x39, 0x3a, 0x64, 0x65, 0x69, 0x6c, 0x7f, 0x80, 0xc0, 0xff,
]
const STRIKING_WORDS = [
  0, 1, 2, 5, 9, 0xff, 0x4000, 0xffff, 0x10000, 0x40009, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
]
const STRIKING_NUMBERS = [
  '0', '1', '-1', '-0', '00', '007', '4', '16384', '65535', '65536', '200000', '2147483647', '2147483648', '4294967295',
  '4294967296', '9007199254740991', '9007199254740993', '9223372036854775807', '9223372036854775808', '-9223372036854775809',
  '18446744073709551616', '1'.repeat(60), '9'.repeat(70), '1e9', '0x10', '1.5', '',
] // prettier-ignore

type Change = (bytes: Uint8Array, random: SeededRandom, other: Uint8Array, words: readonly string[]) => Uint8Array

const CHANGES: readonly Change[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  cutOut,
  repeatPart,
  insertNoise,
  insertRun,
  splice,
  setWord,
  setNumber,
  setNumber,
  insertWord,
  insertWord,
  exchangeParts,
]

/**
 * One change, and sometimes several.
 * @param other another input, of which parts may come in
 * @param words of the format
 */
export function changeBytes(
  bytes: Uint8Array,
  random: SeededRandom,
  other: Uint8Array,
  words: readonly string[],
): Uint8Array {
  let changed = bytes
  do {
    changed = CHANGES[random.below(CHANGES.length)](changed, random, other, words)
  } while (random.happens(0.4))
  return changed.length > MAX_CASE_BYTES ? changed.slice(0, MAX_CASE_BYTES) : changed
}

/** A number as text that is near a limit of something. */
export function strikingNumber(random: SeededRandom): string {
  return STRIKING_NUMBERS[random.below(STRIKING_NUMBERS.length)]
}

/** A length as chance will have it: mostly small. */
export function someLength(random: SeededRandom, most: number): number {
  return random.below(Math.min(most, 2 ** random.below(15)) + 1)
}

/** How much a change may add: bytes, or what takes about as much. */
export function addedLength(random: SeededRandom, most = MAX_CASE_BYTES): number {
  if (random.happens(LARGE_CHANGES)) return random.below(most + 1)
  return random.below(Math.min(most, USUAL_BYTES >> random.below(8)) + 1)
}

function replace(bytes: Uint8Array, start: number, end: number, part: Uint8Array): Uint8Array {
  return concatBytes([bytes.subarray(0, start), part, bytes.subarray(end)])
}

function flipBit(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const changed = bytes.slice()
  if (bytes.length > 0) changed[random.below(bytes.length)] ^= 1 << random.below(8)
  return changed
}

function setByte(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const changed = bytes.slice()
  const isStriking = random.happens(0.5)
  const byte = isStriking ? STRIKING_BYTES[random.below(STRIKING_BYTES.length)] : random.below(256)
  if (bytes.length > 0) changed[random.below(bytes.length)] = byte
  return changed
}

function cutOut(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const start = random.below(bytes.length + 1)
  return replace(bytes, start, start + someLength(random, bytes.length - start), new Uint8Array(0))
}

function repeatPart(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const start = random.below(bytes.length + 1)
  const part = bytes.subarray(start, start + someLength(random, Math.min(64, bytes.length - start)))
  const times = 1 + Math.floor(addedLength(random) / (part.length + 1))
  return replace(bytes, start, start, concatBytes(Array<Uint8Array>(times).fill(part)))
}

function insertNoise(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length + 1)
  return replace(bytes, at, at, random.bytes(1 + random.below(32)))
}

/** The same byte over and over: a number without end, a long name, a thousand levels. */
function insertRun(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length + 1)
  const isStriking = bytes.length === 0 || random.happens(0.5)
  const byte = isStriking ? STRIKING_BYTES[random.below(STRIKING_BYTES.length)] : bytes[random.below(bytes.length)]
  return replace(bytes, at, at, new Uint8Array(1 + addedLength(random)).fill(byte))
}

/** The beginning of one, the end of another. */
function splice(bytes: Uint8Array, random: SeededRandom, other: Uint8Array): Uint8Array {
  return concatBytes([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ])
}

/** A big-endian number of 2 or 4 bytes. */
function setWord(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const size = random.happens(0.3) ? 2 : 4
  if (bytes.length < size) return bytes
  const changed = bytes.slice()
  const at = random.below(bytes.length - size + 1)
  const word = STRIKING_WORDS[random.below(STRIKING_WORDS.length)]
  for (let i = 0; i < size; i++) changed[at + i] = word >>> (8 * (size - 1 - i))
  return changed
}

/** Digits that stand somewhere become another number. */
function setNumber(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const isDigit = (at: number): boolean => bytes[at] >= 0x30 && bytes[at] <= 0x39
  let start = random.below(bytes.length + 1)
  while (start < bytes.length && !isDigit(start)) start++
  while (start > 0 && isDigit(start - 1)) start--
  let end = start
  while (isDigit(end)) end++
  return replace(bytes, start, end, encodeUtf8(strikingNumber(random)))
}

function insertWord(bytes: Uint8Array, random: SeededRandom, _: Uint8Array, words: readonly string[]): Uint8Array {
  if (words.length === 0) return setWord(bytes, random)
  const at = random.below(bytes.length + 1)
  const over = random.happens(0.5) ? someLength(random, Math.min(64, bytes.length - at)) : 0
  return replace(bytes, at, at + over, encodeUtf8(words[random.below(words.length)]))
}

function exchangeParts(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const [a, b, c] = [0, 0, 0].map(() => random.below(bytes.length + 1)).sort((x, y) => x - y)
  return concatBytes([bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c)])
}
