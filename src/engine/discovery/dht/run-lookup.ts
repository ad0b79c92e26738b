// Carries out a lookup: asks whom it says, tells it what came of it, until it is done.
import type { Address } from '../../../base/address.ts'
import type { Contact, DhtAnswer, DhtRequest, Lookup } from '../../../protocol/dht/index.ts'
import type { QuestionHandler } from './dht-exchange.ts'

/** Who can ask. Handlers are called later, and once, as long as it is open. */
export interface Asker {
  readonly isOpen: boolean
  ask(to: Address, request: DhtRequest, handler: QuestionHandler): void
  /** The nodes of an answer that may be asked. */
  usableNodes(answer: DhtAnswer, teller: Address): readonly Contact[]
  onTimeout(contact: Contact): void
}

export interface LookupHandler {
  /** What to ask each node for. */
  readonly request: DhtRequest
  onAnswer?(from: Contact, answer: DhtAnswer): void
  /** Called once; within the call itself when there is nobody to ask. */
  onEnd(lookup: Lookup): void
}

/** @param addresses nodes without a known id that are asked for others to begin with */
export function runLookup(asker: Asker, lookup: Lookup, handler: LookupHandler, addresses: readonly Address[]): void {
  let isOver = false
  let waitedFor = addresses.length

  const proceed = (): void => {
    if (isOver) return
    for (let contact = nextOf(lookup, asker); contact !== null; contact = nextOf(lookup, asker)) ask(contact)
    if (asker.isOpen && (waitedFor > 0 || !lookup.isDone)) return
    isOver = true
    handler.onEnd(lookup)
  }

  const ask = (contact: Contact): void =>
    asker.ask(contact.address, handler.request, {
      onSlow: () => {
        lookup.onSlow(contact)
        proceed()
      },
      onReply: ({ id, answer }) => {
        if (isOver) return
        lookup.onAnswer(contact, id, asker.usableNodes(answer, contact.address), answer.token ?? null)
        handler.onAnswer?.({ id, address: contact.address }, answer)
        proceed()
      },
      onFailure: (reason) => {
        if (reason === 'timed_out') asker.onTimeout(contact)
        lookup.onFailure(contact)
        proceed()
      },
    })

  const askForOthers = (address: Address): void => {
    const settle = (nodes: readonly Contact[]): void => {
      waitedFor--
      lookup.add(nodes)
      proceed()
    }
    asker.ask(
      address,
      { method: 'find_node', target: lookup.target, want: [] },
      {
        onReply: ({ answer }) => settle(asker.usableNodes(answer, address)),
        onFailure: () => settle([]),
      },
    )
  }

  if (asker.isOpen) for (const address of addresses) askForOthers(address)
  proceed()
}

function nextOf(lookup: Lookup, { isOpen }: Asker): Contact | null {
  return isOpen ? lookup.next() : null
}
