// What a node remembers from one run to the next: its id and some nodes of each family, as bytes that the caller keeps. They
// are checked when they are read again, whoever may have written them.
import { FormatError } from '../../base/errors.ts'
import { BencodeDict, decode, encode } from '../bencode/index.ts'
import { decodeContacts, encodeContacts, type Contact, type Family } from './contact.ts'
import { ID_BYTES } from './node-id.ts'

/** Nodes of one family: more than are needed to find the network again. */
const MAX_SAVED = 200
const MAX_BYTES = 32_768
const FORMAT = 1

export interface SavedFamily {
  readonly id: Uint8Array
  readonly contacts: readonly Contact[]
}

export type SavedNodes = ReadonlyMap<Family, SavedFamily>

/** At most some 13 KiB. */
export function encodeSavedNodes(saved: SavedNodes): Uint8Array {
  const families = [...saved].map(([family, { id, contacts }]) => [
    `ip${family}`,
    { id, nodes: encodeContacts(contacts.slice(0, MAX_SAVED), family) },
  ])
  return encode({ format: FORMAT, ...(Object.fromEntries(families) as Record<string, { id: Uint8Array }>) })
}

/** Throws FormatError `bad_saved_nodes`, or that of the bencode decoder. */
export function decodeSavedNodes(bytes: Uint8Array): SavedNodes {
  if (bytes.length > MAX_BYTES) throw badNodes(`${bytes.length} bytes are too many`)
  const document = decode(bytes, { maxDepth: 4, maxItems: 20 })
  if (!(document instanceof BencodeDict) || document.int('format') !== FORMAT) throw badNodes('unknown format')
  const saved = new Map<Family, SavedFamily>()
  for (const family of [4, 6] as const) {
    const part = document.dict(`ip${family}`)
    if (part === null) continue
    const id = part.bytes('id')
    const contacts = decodeContacts(part.bytes('nodes') ?? new Uint8Array(1), family, MAX_SAVED)
    if (id?.length !== ID_BYTES || contacts === null) throw badNodes(`no sound id and nodes of IPv${family}`)
    saved.set(family, { id: id.slice(), contacts })
  }
  return saved
}

function badNodes(why: string): FormatError {
  return new FormatError('bad_saved_nodes', `Cannot read saved DHT nodes: ${why}`)
}
