// Gives a torrent's metadata to one peer (BEP 9), as it reads it: requests wait in a line, and those beyond it are refused, as is
// who wants the same again and again.
import { PeerError } from '../../../base/errors.ts'
import {
  decodeMetadataMessage,
  encodeMetadataPart,
  encodeMetadataReject,
  METADATA_PART_BYTES,
  metadataParts,
  type WireEncoder,
} from '../../../protocol/wire/index.ts'

/** Requests that wait: more than clients have under way. */
const MAX_WAITING = 256
/** Those that are refused wait with them; beyond this, the peer does not read. */
const MAX_UNANSWERED = 1024
/** Copies of all of it that one peer gets, and some parts on top. */
const MAX_COPIES = 3
const SPARE_PARTS = 16
/** Messages within one round of the choker, beyond one for each part. */
const MAX_MESSAGES = 500

export class MetadataServing {
  readonly #metadata: Uint8Array
  readonly #partCount: number
  /** Parts asked for; -1 - part for those that are refused. */
  readonly #waiting: number[] = []
  #partsLeft: number
  #messages = 0

  constructor(metadata: Uint8Array) {
    this.#metadata = metadata
    this.#partCount = metadataParts(metadata.length)
    this.#partsLeft = MAX_COPIES * this.#partCount + SPARE_PARTS
  }

  /** Throws PeerError for what is no message, and `extension_flood` for too many. */
  onMessage(payload: Uint8Array): void {
    if (++this.#messages > MAX_MESSAGES + this.#partCount)
      throw new PeerError('extension_flood', 'The peer asks for metadata without measure')
    const message = decodeMetadataMessage(payload)
    if (message.kind !== 'request') return
    if (this.#waiting.length >= MAX_UNANSWERED)
      throw new PeerError('flood', 'The peer asks for metadata without reading the answers')
    const isGiven = message.part < this.#partCount && this.#partsLeft > 0 && this.#waiting.length < MAX_WAITING
    if (isGiven) this.#partsLeft--
    this.#waiting.push(isGiven ? message.part : -1 - message.part)
  }

  /**
   * Answers those that wait, in their order.
   * @param id under which the peer wants the messages
   * @param room bytes after which the rest waits
   */
  serve(id: number, encoder: WireEncoder, room: number): void {
    let left = room
    while (left > 0 && this.#waiting.length > 0) {
      const part = this.#waiting.shift()!
      if (part < 0) encoder.extended(id, encodeMetadataReject(-1 - part))
      else {
        encoder.extended(id, encodeMetadataPart(this.#metadata, part))
        left -= METADATA_PART_BYTES
      }
    }
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.#messages = 0
  }
}
