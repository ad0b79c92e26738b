// Items in messages (BEP 44): put by somebody, or found. A signature covers the exact bytes of the value, so that its raw
// form is what counts, and it must be the one canonical form.
import type { BencodeDict } from '../bencode/index.ts'
import { BadQuery } from './bad-query.ts'
import { MAX_SALT_BYTES, MAX_SEQ, MAX_VALUE_BYTES, type Item } from './item.ts'
import { ERROR_PROTOCOL, ERROR_SALT_TOO_BIG, ERROR_VALUE_TOO_BIG } from './krpc.ts'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** The item of a `put`. Throws BadQuery. */
export function itemOfPut(args: BencodeDict, isCanonical: boolean): Item {
  const value = args.raw('v')
  if (value === null || !isCanonical) throw new BadQuery(ERROR_PROTOCOL, 'no value in canonical form')
  if (value.length > MAX_VALUE_BYTES) throw new BadQuery(ERROR_VALUE_TOO_BIG, 'value is longer than 1000 bytes')
  if (!args.has('k')) return { kind: 'immutable', value: value.slice() }
  const salt = args.bytes('salt') ?? new Uint8Array(0)
  if (salt.length > MAX_SALT_BYTES) throw new BadQuery(ERROR_SALT_TOO_BIG, 'salt is longer than 64 bytes')
  const item = mutableItem(args, value, salt)
  if (item === null) throw new BadQuery(ERROR_PROTOCOL, 'no sound key, number and signature')
  return item
}

/** The item of an answer to `get`, or null. */
export function itemOfAnswer(values: BencodeDict): Item | null {
  const value = values.raw('v')
  if (value === null || value.length > MAX_VALUE_BYTES) return null
  if (!values.has('k')) return { kind: 'immutable', value: value.slice() }
  return mutableItem(values, value, new Uint8Array(0))
}

/** A number from 0 to 2^63 - 1, or null. */
export function seqOf(dict: BencodeDict, key: string): bigint | null {
  const value = dict.get(key)
  if (typeof value !== 'number' && typeof value !== 'bigint') return null
  const seq = BigInt(value)
  return seq >= 0n && seq <= MAX_SEQ ? seq : null
}

function mutableItem(dict: BencodeDict, value: Uint8Array, salt: Uint8Array): Item | null {
  const [key, signature, seq] = [dict.bytes('k'), dict.bytes('sig'), seqOf(dict, 'seq')]
  if (key?.length !== KEY_BYTES || signature?.length !== SIGNATURE_BYTES || seq === null) return null
  return {
    kind: 'mutable',
    value: value.slice(),
    key: key.slice(),
    salt: salt.slice(),
    seq,
    signature: signature.slice(),
  }
}
