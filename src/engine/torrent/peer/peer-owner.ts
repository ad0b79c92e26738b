// What a peer needs around it: the swarm is that to each of its peers.
import type { PeerError } from '../../../base/errors.ts'
import type { DhtLink } from '../dht-link.ts'
import type { BlockSource } from '../download.ts'
import type { RequestsOwner } from './peer-requests.ts'
import type { Upload, UploadPeer } from '../upload.ts'

/** Its torrent's parts, and somebody who hears of what happens. */
export interface PeerOwner<Peer extends BlockSource & UploadPeer> extends RequestsOwner {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly upload: Upload<Peer>
  /** The torrent's info bytes, for peers that began with a magnet link (BEP 9). */
  readonly metadata: Uint8Array
  /** Null: peers are not exchanged. */
  readonly exchange: { onMessage(peer: Peer, payload: Uint8Array, now: number): void } | null
  /** Null: it is not spoken of. */
  readonly dht: DhtLink | null
  /** Most of the swarm has this piece, as far as we see: handing it out as a favour takes nothing from anybody. */
  isCommon(piece: number): boolean
  /** The port we listen on, for others to dial; null when we do not. */
  readonly listenPort: number | null
  /** Bytes that a peer may leave unread of what we say, blocks apart. */
  readonly maxQueuedBytes: number
  now(): number
  /** A connection that we dialled is established. */
  onOpen(): void
  /** The peer has told its id: it may be one too many, or ourselves. */
  onHandshake(peer: Peer): void
  /** It became interested, or ceased to be. */
  onInterestChange(peer: Peer): void
  /** It told what it has, or whether it wants anything. */
  onHaveChange(peer: Peer): void
  /** It has one piece more. */
  onPiece(peer: Peer, piece: number): void
  /** What we have is told to each peer bit by bit (BEP 16). */
  readonly isSuperSeeding: boolean
  /** While it is: must the peer not have this piece yet? */
  hides(peer: Peer, piece: number): boolean
  /** Whatever we have, nobody gets any of it. */
  readonly servesNobody: boolean
  /** One that came to us has told where it can be dialled. */
  onDialAddress(peer: Peer): void
  /** A peer sees us under this IP: a stranger's word. */
  onOurIp(ip: string): void
  /** A mistake of our own code came to light while this peer was served. */
  onFault(error: unknown): void
  /** The end. `reason` is null when nobody is to blame. */
  onClosed(peer: Peer, reason: PeerError | null): void
}
