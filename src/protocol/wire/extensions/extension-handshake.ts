// The first extension message (BEP 10): what a peer calls itself, how many requests it takes, which extensions it knows.
// Everything in it is a stranger's claim: numbers are clamped, texts cut, unknown keys passed over.
import { bytesToIp, ipToBytes } from '../../../base/address.ts'
import { FormatError, PeerError } from '../../../base/errors.ts'
import { decodeUtf8Start } from '../../../base/bytes.ts'
import { BencodeDict, decodePrefix, encode } from '../../bencode/index.ts'

/** The id of the handshake among the extension messages. */
export const EXTENSION_HANDSHAKE_ID = 0

export interface ExtensionHandshake {
  /** Name of an extension -> the id under which this peer wants its messages; 0: it does not want them. */
  readonly extensions: ReadonlyMap<string, number>
  /** The client's name and version, at most 64 characters; null when it does not say. */
  readonly client: string | null
  /** Requests that it keeps at once (`reqq`); null when it does not say. */
  readonly requestQueue: number | null
  /** The TCP port it listens on; null when it does not say. */
  readonly listenPort: number | null
  /** Our IP as it sees it; null when it does not say. */
  readonly yourIp: string | null
  /** Bytes of the info dictionary; null when it does not say. */
  readonly metadataSize: number | null
  /** It wants nothing (BEP 21). */
  readonly isUploadOnly: boolean
}

const MAX_CLIENT_CHARACTERS = 64
const MAX_EXTENSIONS = 64
/** Of all kinds: who sends more has nothing to say. */
const MAX_VALUES = 5000
/** Of an extension's name; longer ones are passed over. */
const MAX_NAME_CHARACTERS = 64

export function encodeExtensionHandshake(handshake: ExtensionHandshake): Uint8Array {
  const { client, requestQueue, listenPort, metadataSize } = handshake
  const yourIp = handshake.yourIp === null ? null : ipToBytes(handshake.yourIp)
  return encode({
    m: Object.fromEntries(handshake.extensions),
    ...(metadataSize === null ? {} : { metadata_size: metadataSize }),
    ...(listenPort === null ? {} : { p: listenPort }),
    ...(requestQueue === null ? {} : { reqq: requestQueue }),
    ...(handshake.isUploadOnly ? { upload_only: 1 } : {}),
    ...(client === null ? {} : { v: client }),
    ...(yourIp === null ? {} : { yourip: yourIp }),
  })
}

/** Throws PeerError `bad_extension_handshake` when it is not a dictionary. */
export function decodeExtensionHandshake(payload: Uint8Array): ExtensionHandshake {
  const dict = decodeDict(payload)
  const yourIp = dict.bytes('yourip')
  const client = dict.bytes('v')
  return {
    extensions: decodeExtensions(dict.dict('m')),
    client: client && decodeUtf8Start(client, MAX_CLIENT_CHARACTERS),
    requestQueue: inRange(dict.int('reqq'), 1, 1_000_000),
    listenPort: inRange(dict.int('p'), 1, 65535),
    yourIp: yourIp?.length === 4 || yourIp?.length === 16 ? bytesToIp(yourIp) : null,
    metadataSize: inRange(dict.int('metadata_size'), 1, Number.MAX_SAFE_INTEGER),
    isUploadOnly: (dict.int('upload_only') ?? 0) !== 0,
  }
}

function decodeDict(payload: Uint8Array): BencodeDict {
  try {
    const { value } = decodePrefix(payload, { lenient: true, maxDepth: 10, maxItems: MAX_VALUES })
    if (value instanceof BencodeDict) return value
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new PeerError('bad_extension_handshake', `The extension handshake is not bencode: ${error.message}`)
  }
  throw new PeerError('bad_extension_handshake', 'The extension handshake is not a dictionary')
}

function decodeExtensions(dict: BencodeDict | null): Map<string, number> {
  const extensions = new Map<string, number>()
  if (!dict) return extensions
  for (const name of dict.keys.slice(0, MAX_EXTENSIONS)) {
    const id = inRange(dict.int(name), 0, 255)
    if (id !== null && name.length <= MAX_NAME_CHARACTERS) extensions.set(name, id)
  }
  return extensions
}

function inRange(value: number | null, low: number, high: number): number | null {
  return value !== null && value >= low && value <= high ? value : null
}
