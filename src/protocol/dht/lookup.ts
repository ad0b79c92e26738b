// The way to a target (BEP 5): the closest nodes known are asked for closer ones, several at once, until the closest eight
// have answered. What it must weigh: who is slow must not hold up the rest, but may still answer; of an owner of addresses one
// node counts; and a node whose id does not belong to its address (BEP 42) is asked, but is none of the eight.
// Pure: says whom to ask, and is told what came of it. Every lookup ends: questions are bounded in number.
import { addressKey } from '../../base/address.ts'
import { equalBytes } from '../../base/bytes.ts'
import { addressRange } from './address-range.ts'
import type { Contact } from './contact.ts'
import { compareDistance, idKey } from './node-id.ts'
import { isSecureId } from './secure-id.ts'

export interface LookupOptions {
  /** Nodes that are looked for. Default 8. */
  readonly count?: number
  /** Questions that are waited for at once. Default 4. */
  readonly parallel?: number
  /** Nodes asked in all, at most. Default 128. */
  readonly maxAsked?: number
  /** Nodes with such ids are left out altogether. Default: none. */
  readonly isAvoided?: (id: Uint8Array) => boolean
}

/** A node that has answered. */
export interface Found {
  readonly contact: Contact
  /** With which something can be stored there; null when it has given none. */
  readonly token: Uint8Array | null
  /** Answers that led to it: 1 for nodes that we knew. */
  readonly hops: number
}

type State = 'known' | 'asked' | 'slow' | 'answered' | 'failed'

interface Candidate {
  readonly contact: Contact
  readonly key: string
  /** Its range of addresses; its address alone, where that is exempt. */
  readonly range: string
  readonly isSecure: boolean
  readonly hops: number
  state: State
  token: Uint8Array | null
}

const COUNT = 8
const PARALLEL = 4
const MAX_ASKED = 128
/** Candidates that are kept; the farthest are forgotten. */
const MAX_CANDIDATES = 96
/** Contacts taken from one answer: whoever names more wants to fill the list. */
const MAX_NAMED = 16

export class Lookup {
  readonly target: Uint8Array
  readonly #count: number
  readonly #parallel: number
  readonly #maxAsked: number
  readonly #isAvoided: (id: Uint8Array) => boolean
  /** Closest first. */
  readonly #candidates: Candidate[] = []
  readonly #byKey = new Map<string, Candidate>()
  #asked = 0
  #inFlight = 0
  #isStopped = false

  constructor(target: Uint8Array, known: readonly Contact[], options: LookupOptions = {}) {
    this.target = target
    this.#count = options.count ?? COUNT
    this.#parallel = options.parallel ?? PARALLEL
    this.#maxAsked = options.maxAsked ?? MAX_ASKED
    this.#isAvoided = options.isAvoided ?? (() => false)
    this.add(known)
  }

  /** Nodes asked so far. */
  get asked(): number {
    return this.#asked
  }

  /** Nobody is left to be asked, and nobody that matters to be waited for. */
  get isDone(): boolean {
    return this.#isStopped || (this.#toAsk() === null && !this.#mustWait())
  }

  /** More nodes to begin with. */
  add(contacts: readonly Contact[]): void {
    for (const contact of contacts) this.#insert(contact, 1)
  }

  /** Whom to ask now; null when nobody, for now or at all. The caller asks at once. */
  next(): Contact | null {
    if (this.#isStopped || this.#inFlight >= this.#parallel) return null
    const candidate = this.#toAsk()
    if (candidate === null) return null
    candidate.state = 'asked'
    this.#asked++
    this.#inFlight++
    return candidate.contact
  }

  /** `id` is that of the node which has answered, `nodes` those that it has named. */
  onAnswer(asked: Contact, id: Uint8Array, nodes: readonly Contact[], token: Uint8Array | null): void {
    const candidate = this.#waitedFor(asked)
    if (candidate === null) return
    candidate.state = 'failed'
    // Whoever named it under another id was wrong, or lied to keep it out: what it says itself counts.
    const answered = equalBytes(id, asked.id) ? candidate : this.#insert({ id, address: asked.address }, candidate.hops)
    if (answered === null) return
    answered.state = 'answered'
    answered.token = token
    for (const contact of nodes.slice(0, MAX_NAMED)) this.#insert(contact, candidate.hops + 1)
  }

  onFailure(asked: Contact): void {
    const candidate = this.#waitedFor(asked)
    if (candidate !== null) candidate.state = 'failed'
  }

  /** An answer is late: others are asked meanwhile. */
  onSlow(asked: Contact): void {
    const candidate = this.#byKey.get(keyOf(asked))
    if (candidate?.state !== 'asked') return
    candidate.state = 'slow'
    this.#inFlight--
  }

  /** Nobody is asked any more. */
  stop(): void {
    this.#isStopped = true
  }

  /** The closest nodes that have answered, closest first: those that count. */
  closest(): Found[] {
    const found: Found[] = []
    for (const { contact, token, hops, state, isSecure } of this.#candidates) {
      if (state === 'answered' && isSecure && found.length < this.#count) found.push({ contact, token, hops })
    }
    return found
  }

  /**
   * Those, and the nodes that are as close but whose ids do not belong to their addresses: many sound ones are among them, and
   * others who look for the target will ask them. At most twice as many.
   */
  holders(): Found[] {
    const holders: Found[] = []
    let counted = 0
    for (const { contact, token, hops, state, isSecure } of this.#candidates) {
      if (counted >= this.#count) break
      if (state !== 'answered') continue
      if (isSecure) counted++
      else if (holders.length - counted >= this.#count) continue
      holders.push({ contact, token, hops })
    }
    return holders
  }

  /** The candidate that it is, or becomes; null for one to be avoided. */
  #insert(contact: Contact, hops: number): Candidate | null {
    if (this.#isAvoided(contact.id)) return null
    const key = keyOf(contact)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const { ip } = contact.address
    const range = addressRange(ip) ?? addressKey(contact.address)
    const isSecure = isSecureId(contact.id, ip)
    const candidate: Candidate = { contact, key, range, isSecure, hops, state: 'known', token: null }
    let at = this.#candidates.length
    while (at > 0 && compareDistance(this.target, contact.id, this.#candidates[at - 1].contact.id) < 0) at--
    this.#candidates.splice(at, 0, candidate)
    this.#byKey.set(key, candidate)
    if (this.#candidates.length > MAX_CANDIDATES) {
      const last = this.#candidates.findLastIndex(({ state }) => state === 'known' || state === 'failed')
      if (last >= 0) this.#byKey.delete(this.#candidates.splice(last, 1)[0].key)
    }
    return candidate
  }

  /** The closest of those who may belong to the result and have not been asked. */
  #toAsk(): Candidate | null {
    if (this.#asked >= this.#maxAsked) return null
    const taken = new Set<string>()
    for (const { range, state } of this.#candidates) if (isTaken(state)) taken.add(range)
    let before = 0
    for (const candidate of this.#candidates) {
      const { state, range, isSecure } = candidate
      if (state === 'failed') continue
      if (state === 'known') {
        if (!taken.has(range)) return candidate
        continue
      }
      // Who is slow may not answer at all: then the next one is needed.
      if (isSecure && state !== 'slow' && ++before >= this.#count) return null
    }
    return null
  }

  /** Is an answer still to come that may change the result? */
  #mustWait(): boolean {
    let before = 0
    for (const { state, isSecure } of this.#candidates) {
      if (state === 'asked' || state === 'slow') return true
      if (state === 'answered' && isSecure && ++before >= this.#count) return false
    }
    return false
  }

  #waitedFor(asked: Contact): Candidate | null {
    const candidate = this.#byKey.get(keyOf(asked))
    if (candidate?.state !== 'asked' && candidate?.state !== 'slow') return null
    if (candidate.state === 'asked') this.#inFlight--
    return candidate
  }
}

/** One address may have been named under several ids: nobody can hide a node by lying about it. */
function keyOf({ id, address }: Contact): string {
  return addressKey(address) + idKey(id)
}

function isTaken(state: State): boolean {
  return state === 'asked' || state === 'slow' || state === 'answered'
}
