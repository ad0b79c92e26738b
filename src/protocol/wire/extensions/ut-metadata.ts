// The exchange of info dictionaries between peers (BEP 9): a request for one part of 16 KiB, the part itself, or a refusal.
// A part's bytes stand behind the dictionary that announces them, not in it. Whether a part is wanted, of the length that it
// must have, or right, is for whoever asked to say.
import { concatBytes } from '../../../base/bytes.ts'
import { FormatError, PeerError } from '../../../base/errors.ts'
import { BencodeDict, decodePrefix, encode } from '../../bencode/index.ts'

/** The extension's name in the handshake. */
export const UT_METADATA = 'ut_metadata'
/** Bytes of each part but the last one. */
export const METADATA_PART_BYTES = 16_384

export type MetadataMessage =
  | { readonly kind: 'request' | 'reject'; readonly part: number }
  /** `totalSize`: bytes of the whole, by the sender's word; null when it does not say. `bytes`: a view of the payload. */
  | { readonly kind: 'data'; readonly part: number; readonly totalSize: number | null; readonly bytes: Uint8Array }
  /** Of a kind that is not known: to be passed over. */
  | { readonly kind: 'unknown' }

const REQUEST = 0
const DATA = 1
const REJECT = 2
/** Of any torrent: parts of 16 KiB up to 2 GiB. */
const MAX_PART = 131_071
/** Values of a message: there are three, and room for what others add. */
const MAX_VALUES = 100

export function encodeMetadataRequest(part: number): Uint8Array {
  return encode({ msg_type: REQUEST, piece: part })
}

export function encodeMetadataReject(part: number): Uint8Array {
  return encode({ msg_type: REJECT, piece: part })
}

/** @param metadata the whole of it */
export function encodeMetadataPart(metadata: Uint8Array, part: number): Uint8Array {
  const start = part * METADATA_PART_BYTES
  const head = encode({ msg_type: DATA, piece: part, total_size: metadata.length })
  return concatBytes([head, metadata.subarray(start, start + METADATA_PART_BYTES)])
}

/** Parts of metadata of so many bytes. */
export function metadataParts(bytes: number): number {
  return Math.ceil(bytes / METADATA_PART_BYTES)
}

/** Throws PeerError `bad_metadata_message` for what is no such message, and for a part longer than parts are. */
export function decodeMetadataMessage(payload: Uint8Array): MetadataMessage {
  const { dict, end } = decodeDict(payload)
  const kind = dict.int('msg_type')
  const part = dict.int('piece')
  if (kind === null) throw bad('it does not say what it is')
  if (kind !== REQUEST && kind !== DATA && kind !== REJECT) return { kind: 'unknown' }
  if (part === null || part < 0 || part > MAX_PART) throw bad(`there is no part ${part}`)
  if (kind !== DATA) return { kind: kind === REQUEST ? 'request' : 'reject', part }
  const bytes = payload.subarray(end)
  if (bytes.length === 0 || bytes.length > METADATA_PART_BYTES) throw bad(`a part has ${bytes.length} bytes`)
  const totalSize = dict.int('total_size')
  return { kind: 'data', part, totalSize: totalSize !== null && totalSize > 0 ? totalSize : null, bytes }
}

function decodeDict(payload: Uint8Array): { dict: BencodeDict; end: number } {
  try {
    const { value, end } = decodePrefix(payload, { lenient: true, maxDepth: 10, maxItems: MAX_VALUES })
    if (value instanceof BencodeDict) return { dict: value, end }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw bad(error.message)
  }
  throw bad('it is not a dictionary')
}

function bad(why: string): PeerError {
  return new PeerError('bad_metadata_message', `A ut_metadata message makes no sense: ${why}`)
}
