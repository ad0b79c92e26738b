// What one peer and we tell each other by extension messages (BEP 10): names, limits, ports, and whether there is
// something left to want (BEP 21). It keeps what was said; what follows from it is its peer's business.
import type { Address } from '../../base/address.ts'
import { PeerError } from '../../base/errors.ts'
import { CLIENT_NAME } from '../../base/product.ts'
import {
  decodeExtensionHandshake,
  decodeUploadOnly,
  encodeExtensionHandshake,
  encodeUploadOnly,
  EXTENSION_HANDSHAKE_ID,
  type ExtensionHandshake,
  UPLOAD_ONLY,
  type WireEncoder,
} from '../../protocol/wire/index.ts'

/** What we tell others that we keep; more is kept all the same. */
const ADVERTISED_REQUEST_QUEUE = 2000
const MAX_HANDSHAKE_BYTES = 16_384
const MAX_HANDSHAKES = 10
/** Extension messages within one round of the choker. */
const MAX_MESSAGES = 500
/** The ids under which we want messages of extensions. */
const OUR_IDS: ReadonlyMap<string, number> = new Map([[UPLOAD_ONLY, 3]])

export class PeerExtensions {
  /** What it calls itself, or null. */
  client: string | null = null
  /** By its own word it wants nothing. */
  isUploadOnly = false
  readonly #encoder: WireEncoder
  /** The ids under which the peer wants messages. */
  readonly #theirIds = new Map<string, number>()
  #handshakes = 0
  #messages = 0

  constructor(encoder: WireEncoder) {
    this.#encoder = encoder
  }

  /** @param listenPort where we can be dialled; null when we cannot */
  sendHandshake(remote: Address, listenPort: number | null, isUploadOnly: boolean): void {
    const payload = encodeExtensionHandshake({
      extensions: OUR_IDS,
      client: CLIENT_NAME,
      requestQueue: ADVERTISED_REQUEST_QUEUE,
      listenPort,
      yourIp: remote.ip,
      metadataSize: null,
      isUploadOnly,
    })
    this.#encoder.extended(EXTENSION_HANDSHAKE_ID, payload)
  }

  /** We want nothing any more, or something again. Those that know only the handshake's word for it are not told. */
  sendUploadOnly(isUploadOnly: boolean): void {
    const id = this.#theirIds.get(UPLOAD_ONLY)
    if (id !== undefined) this.#encoder.extended(id, encodeUploadOnly(isUploadOnly))
  }

  /** Returns what a handshake says; null for other messages. Those that we did not ask for are passed over. */
  onMessage(id: number, payload: Uint8Array): ExtensionHandshake | null {
    if (++this.#messages > MAX_MESSAGES)
      throw new PeerError('extension_flood', 'The peer sends extension messages without measure')
    if (id === OUR_IDS.get(UPLOAD_ONLY)) this.isUploadOnly = decodeUploadOnly(payload)
    return id === EXTENSION_HANDSHAKE_ID ? this.#onHandshake(payload) : null
  }

  #onHandshake(payload: Uint8Array): ExtensionHandshake {
    if (payload.length > MAX_HANDSHAKE_BYTES || ++this.#handshakes > MAX_HANDSHAKES)
      throw new PeerError('extension_flood', 'The peer sends extension handshakes without measure')
    const handshake = decodeExtensionHandshake(payload)
    this.client = handshake.client ?? this.client
    this.isUploadOnly = handshake.isUploadOnly
    // A later handshake tells what has changed; id 0 takes an extension back.
    for (const [name, theirs] of handshake.extensions) {
      if (theirs === 0) this.#theirIds.delete(name)
      else if (OUR_IDS.has(name)) this.#theirIds.set(name, theirs)
    }
    return handshake
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.#messages = 0
  }
}
