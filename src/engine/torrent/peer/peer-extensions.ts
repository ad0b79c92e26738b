// What one peer and we tell each other by extension messages (BEP 10): names, limits, ports, whether there is something left
// to want (BEP 21), metadata (BEP 9) and other peers (BEP 11). It keeps what was said; what follows from it is its peer's business.
import type { Address } from '../../../base/address.ts'
import { PeerError } from '../../../base/errors.ts'
import { CLIENT_NAME } from '../../../base/product.ts'
import {
  decodeExtensionHandshake,
  decodeUploadOnly,
  encodeExtensionHandshake,
  encodeUploadOnly,
  EXTENSION_HANDSHAKE_ID,
  type ExtensionHandshake,
  UPLOAD_ONLY,
  UT_METADATA,
  UT_PEX,
  type WireEncoder,
} from '../../../protocol/wire/index.ts'
import { MetadataServing } from '../metadata/metadata-serving.ts'

/** What we tell others that we keep; more is kept all the same. */
export const ADVERTISED_REQUEST_QUEUE = 2000
const MAX_HANDSHAKE_BYTES = 16_384
const MAX_HANDSHAKES = 10
/** Extension messages within one round of the choker. */
const MAX_MESSAGES = 500
/** The ids under which we want messages of extensions: the same ones as long as a connection lasts, whoever handles it. */
const OUR_IDS: ReadonlyMap<string, number> = new Map([
  [UT_METADATA, 2],
  [UPLOAD_ONLY, 3],
])
const OUR_IDS_WITH_PEX: ReadonlyMap<string, number> = new Map([[UT_PEX, 1], ...OUR_IDS])

/** @param usesPex peers are exchanged: never those of a private torrent */
export function extensionIds(usesPex: boolean): ReadonlyMap<string, number> {
  return usesPex ? OUR_IDS_WITH_PEX : OUR_IDS
}

export interface ExtensionsOptions {
  /** The torrent's info bytes, for whoever asks for them. */
  readonly metadata: Uint8Array
  /** Takes a message of peer exchange; null: peers are not exchanged. */
  readonly onPex: ((payload: Uint8Array) => void) | null
}

export class PeerExtensions {
  /** What it calls itself, or null. */
  client: string | null = null
  /** By its own word it wants nothing. */
  isUploadOnly = false
  readonly #encoder: WireEncoder
  /** The ids under which the peer wants messages. */
  readonly #theirIds = new Map<string, number>()
  readonly #options: ExtensionsOptions
  readonly #ourIds: ReadonlyMap<string, number>
  readonly #serving: MetadataServing
  #handshakes = 0
  #messages = 0

  constructor(encoder: WireEncoder, options: ExtensionsOptions) {
    this.#encoder = encoder
    this.#options = options
    this.#ourIds = extensionIds(options.onPex !== null)
    this.#serving = new MetadataServing(options.metadata)
  }

  /**
   * @param listenPort where we can be dialled; null when we cannot
   * @param isFirst false: another has sent one before, when nobody knew whether the torrent is private
   */
  sendHandshake(remote: Address, listenPort: number | null, isUploadOnly: boolean, isFirst = true): void {
    // What is left out of a later one stays as it was said (BEP 10).
    const takenBack: readonly [string, number][] = isFirst || this.#ourIds.has(UT_PEX) ? [] : [[UT_PEX, 0]]
    const payload = encodeExtensionHandshake({
      extensions: new Map([...this.#ourIds, ...takenBack]),
      client: CLIENT_NAME,
      requestQueue: ADVERTISED_REQUEST_QUEUE,
      listenPort,
      yourIp: remote.ip,
      metadataSize: this.#options.metadata.length,
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
    // Metadata has bounds of its own: it may have thousands of parts.
    if (id === this.#ourIds.get(UT_METADATA)) {
      this.#serving.onMessage(payload)
      return null
    }
    if (++this.#messages > MAX_MESSAGES)
      throw new PeerError('extension_flood', 'The peer sends extension messages without measure')
    if (id === this.#ourIds.get(UPLOAD_ONLY)) this.isUploadOnly = decodeUploadOnly(payload)
    if (id === this.#ourIds.get(UT_PEX)) this.#options.onPex?.(payload)
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
      else if (this.#ourIds.has(name)) this.#theirIds.set(name, theirs)
    }
    return handshake
  }

  /** Does it take part in the exchange of peers? */
  get takesPex(): boolean {
    return this.#theirIds.has(UT_PEX)
  }

  sendPex(payload: Uint8Array): void {
    const id = this.#theirIds.get(UT_PEX)
    if (id !== undefined) this.#encoder.extended(id, payload)
  }

  /** Sends metadata that the peer has asked for. @param room bytes that it should be at most, or one part */
  serveMetadata(room: number): void {
    const id = this.#theirIds.get(UT_METADATA)
    if (id !== undefined) this.#serving.serve(id, this.#encoder, room)
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.#messages = 0
    this.#serving.endRound()
  }
}
