// The first 68 bytes of a connection (BEP 3): 19, the protocol's name, 8 reserved bytes, infohash, peer id.
import { concatBytes, encodeUtf8, equalBytes } from '../../base/bytes.ts'

/** 20 bytes: what every plain BitTorrent connection opens with; anything else is not this protocol, or encrypted. */
export const PROTOCOL_HEADER: Uint8Array = concatBytes([Uint8Array.of(19), encodeUtf8('BitTorrent protocol')])
/** Header, reserved bytes and infohash: enough to know which torrent is meant. */
export const HANDSHAKE_HEAD_BYTES = 48
export const HANDSHAKE_BYTES = 68

/** What a peer can do, from the reserved bytes. */
export interface Capabilities {
  /** BEP 10 */
  readonly extensions: boolean
  /** BEP 6 */
  readonly fast: boolean
  /** It has a node in the DHT, and likes to be told of ours (BEP 5). */
  readonly dht: boolean
}

/** What is not said of `capabilities` is none of ours. */
export function encodeHandshake(
  infohash: Uint8Array,
  peerId: Uint8Array,
  capabilities: Partial<Capabilities>,
): Uint8Array {
  const reserved = new Uint8Array(8)
  if (capabilities.extensions) reserved[5] |= 0x10
  if (capabilities.fast) reserved[7] |= 0x04
  if (capabilities.dht) reserved[7] |= 0x01
  return concatBytes([PROTOCOL_HEADER, reserved, infohash, peerId])
}

/** True when `bytes` can still become, or is, the opening of a plain handshake. */
export function opensAsHandshake(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, PROTOCOL_HEADER.length)
  return equalBytes(bytes.subarray(0, length), PROTOCOL_HEADER.subarray(0, length))
}

/** Reads the reserved bytes and the infohash of the first 48 bytes, whose header was checked. The infohash is a copy. */
export function decodeHandshakeHead(bytes: Uint8Array): { capabilities: Capabilities; infohash: Uint8Array } {
  return {
    capabilities: {
      extensions: (bytes[25] & 0x10) !== 0,
      fast: (bytes[27] & 0x04) !== 0,
      dht: (bytes[27] & 0x01) !== 0,
    },
    infohash: bytes.slice(28, HANDSHAKE_HEAD_BYTES),
  }
}
