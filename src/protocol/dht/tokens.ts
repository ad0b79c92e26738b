// Tokens (BEP 5): whoever wants to store something must show one, and gets it only where answers to its address arrive. Nobody
// can store in the name of an address that is not its own. Nothing is kept for those that have been given.
import { concatBytes, encodeUtf8, equalBytes } from '../../base/bytes.ts'
import { sha1 } from '../../base/digest.ts'

/** A token is good for at least this long, and at most three times as long. */
const SECRET_MS = 5 * 60_000
const SECRET_BYTES = 16
const TOKEN_BYTES = 8

export class Tokens {
  readonly #randomBytes: (length: number) => Uint8Array
  #secret: Uint8Array
  #previous: Uint8Array
  #changedAt: number

  constructor(randomBytes: (length: number) => Uint8Array, now: number) {
    this.#randomBytes = randomBytes
    this.#secret = randomBytes(SECRET_BYTES)
    this.#previous = randomBytes(SECRET_BYTES)
    this.#changedAt = now
  }

  /** A token for `ip` that lets it store at `target`. */
  give(ip: string, target: Uint8Array, now: number): Uint8Array {
    this.#rotate(now)
    return tokenOf(this.#secret, ip, target)
  }

  isGood(token: Uint8Array, ip: string, target: Uint8Array, now: number): boolean {
    this.#rotate(now)
    return [this.#secret, this.#previous].some((secret) => equalBytes(token, tokenOf(secret, ip, target)))
  }

  #rotate(now: number): void {
    const age = now - this.#changedAt
    if (age < SECRET_MS) return
    // After a long silence the last secret is too old, too.
    this.#previous = age < 2 * SECRET_MS ? this.#secret : this.#randomBytes(SECRET_BYTES)
    this.#secret = this.#randomBytes(SECRET_BYTES)
    this.#changedAt = now
  }
}

function tokenOf(secret: Uint8Array, ip: string, target: Uint8Array): Uint8Array {
  return sha1(concatBytes([secret, target, encodeUtf8(ip)])).slice(0, TOKEN_BYTES)
}
