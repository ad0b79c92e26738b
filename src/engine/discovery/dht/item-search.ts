// Items in one of the two networks (BEP 44): found, or put where they are to be found.
import { isGenuine, type DhtAnswer, type Item } from '../../../protocol/dht/index.ts'
import type { DhtFamily } from './dht-family.ts'
import { ThoroughSearch, type SearchOutcome } from './thorough-search.ts'

export interface ItemSearchOptions {
  readonly target: Uint8Array
  /** Of a mutable item: part of its target, and of what is signed. Empty for others. */
  readonly salt: Uint8Array
  /** Is to be put; null: it is only looked for. */
  readonly item: Item | null
  /** Put only over a value with this number. */
  readonly cas: bigint | null
  onEnd(result: ItemSearchResult): void
}

export interface ItemSearchResult {
  /** The genuine one that was found; of several, the newest. */
  readonly item: Item | null
  /** Nodes that had it; null for an immutable one, of which the first copy is enough, and the others are not counted. */
  readonly copies: number | null
  /** Nodes that have taken what was put. */
  readonly storedBy: number
  /** The last of the reasons of those that have not; null where none was given. */
  readonly refusal: { readonly code: number; readonly message: string } | null
  readonly asked: number
}

export class ItemSearch {
  readonly #family: DhtFamily
  readonly #options: ItemSearchOptions
  readonly #search: ThoroughSearch
  #found: Item | null = null
  #copies = 0
  #storedBy = 0
  #refusal: ItemSearchResult['refusal'] = null

  constructor(family: DhtFamily, options: ItemSearchOptions) {
    this.#family = family
    this.#options = options
    this.#search = new ThoroughSearch(family, options.target, {
      request: { method: 'get', target: options.target, seq: null, want: [] },
      onAnswer: (_, answer) => this.#onAnswer(answer),
      onEnd: (outcome) => this.#put(outcome),
    })
  }

  start(): void {
    this.#search.start()
  }

  stop(): void {
    this.#search.stop()
  }

  #onAnswer({ item }: DhtAnswer): void {
    if (item === undefined) return
    const { target, salt } = this.#options
    const whole: Item = item.kind === 'mutable' ? { ...item, salt } : item
    if (!isGenuine(whole, target)) return
    const [before, after] = [seqOf(this.#found), seqOf(whole)]
    if (after < before) return
    this.#copies = after > before ? 1 : this.#copies + 1
    this.#found = whole
    // There is only one value that it can be.
    if (whole.kind === 'immutable' && this.#options.item === null) this.#search.stop()
  }

  #put({ holders, asked }: SearchOutcome): void {
    const { item, cas } = this.#options
    let open = 1
    const closeOne = (): void => {
      if (--open > 0) return
      const [found, storedBy, refusal] = [this.#found, this.#storedBy, this.#refusal]
      const copies = found?.kind === 'immutable' ? null : this.#copies
      this.#options.onEnd({ item: found, copies, storedBy, refusal, asked })
    }
    for (const { contact, token } of holders) {
      if (item === null || token === null || !this.#family.isOpen) continue
      open++
      this.#family.ask(
        contact.address,
        { method: 'put', token, item, cas },
        {
          onReply: () => {
            this.#storedBy++
            closeOne()
          },
          onFailure: (_, error) => {
            if (error !== null) this.#refusal = { code: error.code, message: error.message }
            closeOne()
          },
        },
      )
    }
    closeOne()
  }
}

/** Newer is higher; nothing at all is lowest. */
function seqOf(item: Item | null): bigint {
  if (item === null) return -1n
  return item.kind === 'mutable' ? item.seq : 0n
}
