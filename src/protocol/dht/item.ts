// Items that the network keeps (BEP 44). An immutable one is found by the hash of its value; a mutable one by its owner's key
// and a salt, and is signed by the owner together with a number that only grows.
import { concatBytes, encodeUtf8, equalBytes } from '../../base/bytes.ts'
import { ed25519PublicKey, sha1, signEd25519, verifyEd25519 } from '../../base/digest.ts'
import { encode } from '../bencode/index.ts'

/** Bytes of a bencoded value, at most. */
export const MAX_VALUE_BYTES = 1000
export const MAX_SALT_BYTES = 64
export const MAX_SEQ = 2n ** 63n - 1n

export type Item = ImmutableItem | MutableItem

export interface ImmutableItem {
  readonly kind: 'immutable'
  /** Bencoded, in the canonical form. */
  readonly value: Uint8Array
}

export interface MutableItem {
  readonly kind: 'mutable'
  /** Bencoded, in the canonical form. */
  readonly value: Uint8Array
  /** The owner's public key: 32 bytes. */
  readonly key: Uint8Array
  /** Which of the owner's items it is; may be empty. Never part of an answer: who asks knows it. */
  readonly salt: Uint8Array
  readonly seq: bigint
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** Where the item is found. */
export function itemTarget(item: Item): Uint8Array {
  return item.kind === 'immutable' ? sha1(item.value) : mutableTarget(item.key, item.salt)
}

export function mutableTarget(key: Uint8Array, salt: Uint8Array): Uint8Array {
  return sha1(concatBytes([key, salt]))
}

/** Whether this is the item that `target` stands for: its hash is right, and so is the owner's signature. */
export function isGenuine(item: Item, target: Uint8Array): boolean {
  return equalBytes(itemTarget(item), target) && (item.kind === 'immutable' || isSigned(item))
}

export function isSigned(item: MutableItem): boolean {
  return verifyEd25519(item.signature, signedBytes(item), item.key)
}

/** A mutable item, signed. `seed`: the owner's 32 secret bytes. */
export function signItem(
  { value, salt, seq }: Pick<MutableItem, 'value' | 'salt' | 'seq'>,
  seed: Uint8Array,
): MutableItem {
  const signature = signEd25519(signedBytes({ value, salt, seq }), seed)
  return { kind: 'mutable', value, salt, seq, key: ed25519PublicKey(seed), signature }
}

/** What the owner signs: put together from parts that cannot be taken for one another. */
export function signedBytes({ value, salt, seq }: Pick<MutableItem, 'value' | 'salt' | 'seq'>): Uint8Array {
  const salted = salt.length === 0 ? [] : [encodeUtf8('4:salt'), encode(salt)]
  return concatBytes([...salted, encodeUtf8(`3:seqi${seq}e1:v`), value])
}
