// A search that hostile nodes cannot easily end (the Sybil, or eclipse, attack). Whoever has addresses in many ranges can choose from many ids even within the
// rules of BEP 42, and gather nodes around a target until the closest eight are all its own, and know of nothing. But then
// there are more nodes near the target than chance would put there. Where that is so, those who store and those who look go
// a few ways around it: to the target with one bit turned round, far enough from it that hostile nodes are few there. On the way
// nobody is asked who is on the target's side of that bit: hostile nodes there would name each other until all are asked.
// The nodes found are asked for the target itself. In a sound network this happens in one search of fifty.
import {
  flipBit,
  ID_BITS,
  sharedBits,
  type Contact,
  type DhtAnswer,
  type DhtRequest,
  type Found,
  type Lookup,
} from '../../../protocol/dht/index.ts'
import type { DhtFamily } from './dht-family.ts'

/** Those who store and those who look may differ in what they think of the network's size, by one bit or two. */
const WAYS = [0, -1, 1]

export interface ThoroughHandler {
  readonly request: DhtRequest
  onAnswer(from: Contact, answer: DhtAnswer): void
  /** Called once. */
  onEnd(outcome: SearchOutcome): void
}

export interface SearchOutcome {
  /** The nodes that are to keep something for this target, and are asked for it by others: whom to announce or put to. */
  readonly holders: readonly Found[]
  /** Nodes asked in all. */
  readonly asked: number
  /** Answers that led to the closest node. */
  readonly hops: number
  /** Whether there were suspiciously many nodes near the target. */
  readonly wasCrowded: boolean
}

export class ThoroughSearch {
  readonly #family: DhtFamily
  readonly #target: Uint8Array
  readonly #handler: ThoroughHandler
  readonly #holders: Found[] = []
  /** To the target, and the ways around it. */
  readonly #lookups: Lookup[] = []
  #asked = 0
  #hops = 0
  #open = 1
  #wasCrowded = false
  #isStopped = false

  constructor(family: DhtFamily, target: Uint8Array, handler: ThoroughHandler) {
    this.#family = family
    this.#target = target
    this.#handler = handler
  }

  start(): void {
    const { request } = this.#handler
    const lookup = this.#family.search(this.#target, {
      request,
      onAnswer: (from, answer) => this.#handler.onAnswer(from, answer),
      onEnd: (lookup) => this.#onFound(lookup),
    })
    this.#keep(lookup)
  }

  /** Nobody else is asked; `onEnd` is called when those who have been asked have answered, or not. */
  stop(): void {
    this.#isStopped = true
    for (const lookup of this.#lookups) lookup.stop()
  }

  #keep(lookup: Lookup): void {
    this.#lookups.push(lookup)
    // It is over already where there is nobody to ask.
    if (this.#isStopped) lookup.stop()
  }

  #onFound(lookup: Lookup): void {
    const closest = lookup.closest()
    this.#holders.push(...lookup.holders())
    this.#asked = lookup.asked
    this.#hops = closest[0]?.hops ?? 0
    const { size } = this.#family
    this.#wasCrowded = size.isSuspicious(
      this.#target,
      closest.map(({ contact }) => contact),
    )
    if (this.#wasCrowded && !this.#isStopped) this.#goAround(size.wayAroundBit)
    this.#closeOne()
  }

  #goAround(firstBit: number): void {
    for (const way of WAYS) {
      const bit = Math.min(Math.max(firstBit + way, 0), ID_BITS - 1)
      const target = flipBit(this.#target, bit)
      const isAvoided = (id: Uint8Array): boolean => sharedBits(this.#target, id) > bit
      const onEnd = (lookup: Lookup): void => {
        this.#asked += lookup.asked
        for (const found of lookup.closest()) this.#askThere(found)
        this.#closeOne()
      }
      this.#open++
      const request: DhtRequest = { method: 'find_node', target, want: [] }
      this.#keep(this.#family.search(target, { request, onEnd }, { isAvoided }))
    }
  }

  #askThere({ contact, hops }: Found): void {
    if (this.#isStopped || !this.#family.isOpen) return
    this.#open++
    this.#asked++
    this.#family.ask(contact.address, this.#handler.request, {
      onReply: ({ answer }) => {
        this.#holders.push({ contact, hops: hops + 1, token: answer.token ?? null })
        this.#handler.onAnswer(contact, answer)
        this.#closeOne()
      },
      onFailure: () => this.#closeOne(),
    })
  }

  #closeOne(): void {
    if (--this.#open > 0) return
    const [holders, asked, hops, wasCrowded] = [this.#holders, this.#asked, this.#hops, this.#wasCrowded]
    this.#handler.onEnd({ holders, asked, hops, wasCrowded })
  }
}
