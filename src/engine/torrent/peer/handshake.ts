// How a connection begins (BEP 3), whoever holds it: what we say of ourselves, and whether the other side means the same torrent.
import { equalBytes } from '../../../base/bytes.ts'
import { PeerError } from '../../../base/errors.ts'
import { encodeHandshake } from '../../../protocol/wire/index.ts'
import type { DhtLink } from '../dht-link.ts'

export interface HandshakeOwner {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  /** Null: it is not spoken of. */
  readonly dht: DhtLink | null
}

export function ourHandshake({ infohash, peerId, dht }: HandshakeOwner): Uint8Array {
  return encodeHandshake(infohash, peerId, { extensions: true, fast: true, dht: dht !== null })
}

/** Throws PeerError `wrong_infohash`. */
export function checkInfohash(theirs: Uint8Array, { infohash }: HandshakeOwner): void {
  if (!equalBytes(theirs, infohash)) throw new PeerError('wrong_infohash', 'The peer answered for another torrent')
}
