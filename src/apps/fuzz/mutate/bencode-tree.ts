// A bencoded document as a tree that may be changed into what no encoder would write: keys twice and out of order, integers
// beyond all bounds, one type where another belongs.
import { concatBytes, encodeUtf8 } from '../../../base/bytes.ts'
import { FormatError } from '../../../base/errors.ts'
import {
  type BencodeDict,
  decodePrefix,
  isList,
  keyToBytes,
  type BencodeValue,
} from '../../../protocol/bencode/index.ts'
import type { SeededRandom } from '../../../sim/index.ts'
import { addedLength, MAX_CASE_BYTES, strikingNumber } from './bytes.ts'

export type Tree =
  | { readonly kind: 'integer'; digits: string }
  | { readonly kind: 'string'; bytes: Uint8Array }
  | { readonly kind: 'list'; items: Tree[] }
  | { readonly kind: 'dict'; entries: [key: Uint8Array, value: Tree][] }

/** The tree of a document, what follows it left out; null where there is none. */
export function readTree(bytes: Uint8Array): Tree | null {
  try {
    return treeOf(decodePrefix(bytes, { lenient: true }).value)
  } catch (error) {
    if (error instanceof FormatError) return null
    throw error
  }
}

function treeOf(value: BencodeValue): Tree {
  if (typeof value === 'number' || typeof value === 'bigint') return { kind: 'integer', digits: String(value) }
  if (value instanceof Uint8Array) return { kind: 'string', bytes: value }
  if (isList(value)) return { kind: 'list', items: value.map(treeOf) }
  const dict: BencodeDict = value
  return { kind: 'dict', entries: dict.keys.map((key, at) => [keyToBytes(key), treeOf(dict.values[at])]) }
}

/** The document, exactly as the tree has it, but cut off where it would be too long for a case. */
export function writeTree(tree: Tree): Uint8Array {
  const document: Document = { parts: [], length: 0 }
  write(tree, document)
  return concatBytes(document.parts).slice(0, MAX_CASE_BYTES)
}

interface Document {
  readonly parts: Uint8Array[]
  length: number
}

function write(tree: Tree, document: Document): void {
  if (document.length > MAX_CASE_BYTES) return
  switch (tree.kind) {
    case 'integer':
      append(document, ascii(`i${tree.digits}e`))
      return
    case 'string':
      appendString(document, tree.bytes)
      return
    case 'list':
      append(document, LIST)
      for (const item of tree.items) write(item, document)
      append(document, END)
      return
    case 'dict':
      append(document, DICT)
      for (const [key, value] of tree.entries) {
        appendString(document, key)
        write(value, document)
      }
      append(document, END)
  }
}

const LIST = encodeUtf8('l')
const DICT = encodeUtf8('d')
const END = encodeUtf8('e')

function appendString(document: Document, bytes: Uint8Array): void {
  append(document, ascii(`${bytes.length}:`))
  append(document, bytes)
}

/** For texts of a few characters quicker than an encoder. */
function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function append(document: Document, bytes: Uint8Array): void {
  document.parts.push(bytes)
  document.length += bytes.length
}

/** A tree that shares no values with the first: what is in two places must not be changed in both, or come to hold itself. */
function copyOf(tree: Tree): Tree {
  if (tree.kind === 'list') return { kind: 'list', items: tree.items.map(copyOf) }
  if (tree.kind !== 'dict') return { ...tree }
  return { kind: 'dict', entries: tree.entries.map(([key, value]) => [key, copyOf(value)]) }
}

/**
 * One change, and sometimes several, to a tree, which is changed itself. Returns its new root.
 * @param other a tree of which values may come in
 */
export function changeTree(tree: Tree, random: SeededRandom, other: Tree, words: readonly string[]): Tree {
  // The root under a list of its own: it can be exchanged as any other value.
  const whole: Tree = { kind: 'list', items: [tree] }
  do changeOne(whole, random, other, words)
  while (random.happens(0.4))
  return whole.items[0] ?? tree
}

function changeOne(whole: Tree & { kind: 'list' }, random: SeededRandom, other: Tree, words: readonly string[]): void {
  const inner = pick(whole.items[0] ?? whole, random)
  if (inner.kind === 'dict' && random.happens(0.6)) changeEntries(inner, random, other, words)
  else if (inner.kind === 'list' && random.happens(0.6)) changeItems(inner, random, other)
  else replaceBelow(whole, inner, changedValue(inner, random, other, words))
}

/** A value of the tree: a walk from the root that may end anywhere. */
function pick(tree: Tree, random: SeededRandom): Tree {
  let found = tree
  while (random.happens(0.85)) {
    const children = childrenOf(found)
    if (children.length === 0) break
    found = children[random.below(children.length)]
  }
  return found
}

function childrenOf(tree: Tree): readonly Tree[] {
  if (tree.kind === 'list') return tree.items
  return tree.kind === 'dict' ? tree.entries.map(([, value]) => value) : []
}

function replaceBelow(tree: Tree, old: Tree, value: Tree): boolean {
  if (tree.kind === 'list') {
    const at = tree.items.indexOf(old)
    if (at >= 0) tree.items[at] = value
    return at >= 0 || tree.items.some((item) => replaceBelow(item, old, value))
  }
  if (tree.kind !== 'dict') return false
  const entry = tree.entries.find(([, each]) => each === old)
  if (entry) entry[1] = value
  return entry !== undefined || tree.entries.some(([, each]) => replaceBelow(each, old, value))
}

function changedValue(old: Tree, random: SeededRandom, other: Tree, words: readonly string[]): Tree {
  switch (random.below(9)) {
    case 0:
      return { kind: 'integer', digits: strikingNumber(random) }
    case 1:
      return { kind: 'string', bytes: random.bytes(addedLength(random, 4096)) }
    case 2:
      return { kind: 'string', bytes: someWord(random, words) }
    case 3:
      return { kind: 'list', items: random.happens(0.5) ? [] : [old] }
    case 4:
      return { kind: 'dict', entries: random.happens(0.5) ? [] : [[someWord(random, words), old]] }
    case 5:
      return nested(old, random, words)
    case 6:
      return copyOf(pick(other, random))
    case 7:
      return { kind: 'list', items: Array<Tree>(addedLength(random, 10_000)).fill(old) }
    default:
      return nearby(old, random)
  }
}

/** Nearly the same: a number that is one more, a string that lacks a byte. */
function nearby(old: Tree, random: SeededRandom): Tree {
  if (old.kind === 'integer') return { kind: 'integer', digits: String(Number(old.digits) + random.below(5) - 2) }
  if (old.kind !== 'string') return old
  const bytes = random.happens(0.5) ? old.bytes.slice(random.below(2)) : old.bytes.slice(0, -1 - random.below(20))
  if (bytes.length > 0 && random.happens(0.5)) bytes[random.below(bytes.length)] = random.below(256)
  return { kind: 'string', bytes }
}

function nested(old: Tree, random: SeededRandom, words: readonly string[]): Tree {
  let tree = old
  for (let levels = random.below(random.happens(0.1) ? 130 : 5); levels > 0; levels--) {
    tree = random.happens(0.5)
      ? { kind: 'list', items: [tree] }
      : { kind: 'dict', entries: [[someWord(random, words), tree]] }
  }
  return tree
}

function changeEntries(
  dict: Tree & { kind: 'dict' },
  random: SeededRandom,
  other: Tree,
  words: readonly string[],
): void {
  const { entries } = dict
  const at = random.below(entries.length + 1)
  const kind = random.below(6)
  if (kind === 0) entries.splice(at, 1)
  else if (kind === 1 && at < entries.length) entries.splice(at, 0, entries[at])
  else if (kind === 2 && entries.length > 1) entries.push(...entries.splice(at, 1))
  else if (kind === 3 && at < entries.length) entries[at] = [someWord(random, words), entries[at][1]]
  else if (kind === 4 && at < entries.length) entries[at] = [entries[at][0], copyOf(pick(other, random))]
  else {
    entries.splice(at, 0, [
      someWord(random, words),
      changedValue({ kind: 'integer', digits: '1' }, random, other, words),
    ])
    // Mostly in the order of the format, or the first look would end it.
    if (random.happens(0.7)) entries.sort(([a], [b]) => (latin1(a) < latin1(b) ? -1 : 1))
  }
}

function changeItems(list: Tree & { kind: 'list' }, random: SeededRandom, other: Tree): void {
  const { items } = list
  const at = random.below(items.length + 1)
  const kind = random.below(4)
  if (kind === 0) items.splice(at, 1)
  else if (kind === 1) items.splice(at, 0, copyOf(pick(other, random)))
  else if (kind === 2 && at < items.length) items.splice(at, 0, items[at])
  else items.reverse()
}

function someWord(random: SeededRandom, words: readonly string[]): Uint8Array {
  if (words.length === 0 || random.happens(0.2)) return random.bytes(random.below(24))
  return encodeUtf8(words[random.below(words.length)])
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 1000))
}
