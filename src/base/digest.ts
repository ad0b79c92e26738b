// Synchronous digests and signatures. The one file below the platform that names node:crypto: a browser build swaps this file alone.
import { createHash, createPublicKey, sign, verify } from 'node:crypto'

/** 20 bytes. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha1').update(bytes).digest())
}

/** 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

// What stands before the 32 bytes of an Ed25519 key in its standard forms (RFC 8410).
const PUBLIC_KEY_HEAD = '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'
const PRIVATE_KEY_HEAD = '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'

/** Whether an Ed25519 signature (64 bytes) of `message` is that of the owner of `publicKey` (32 bytes). Never throws. */
export function verifyEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  try {
    return verify(null, message, createPublicKey(keyText('PUBLIC', PUBLIC_KEY_HEAD, publicKey)), signature)
  } catch {
    return false
  }
}

/** The Ed25519 signature (64 bytes) of `message`. `seed`: the 32 secret bytes that a key pair is made from (RFC 8032). */
export function signEd25519(message: Uint8Array, seed: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, keyText('PRIVATE', PRIVATE_KEY_HEAD, seed)))
}

/** The public key (32 bytes) that belongs to `seed` (32 bytes). */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  const key = createPublicKey(keyText('PRIVATE', PRIVATE_KEY_HEAD, seed))
  return new Uint8Array(key.export({ format: 'der', type: 'spki' })).slice(PUBLIC_KEY_HEAD.length)
}

/** A key in the text form that every system takes (PEM). */
function keyText(kind: 'PUBLIC' | 'PRIVATE', head: string, key: Uint8Array): string {
  if (key.length !== 32) throw new TypeError(`Cannot use a key of ${key.length} bytes: expected 32`)
  return `-----BEGIN ${kind} KEY-----\n${btoa(head + String.fromCharCode(...key))}\n-----END ${kind} KEY-----\n`
}
