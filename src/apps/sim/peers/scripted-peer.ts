// A peer that follows a script instead of a session: it holds some pieces, and does at each turn of the conversation what
// it is told. For those who behave as no session would; whoever only has a bad line or disk is a real one.
import { Bitfield } from '../../../base/bitfield.ts'
import type { Connection, ConnectionHandler } from '../../../platform/platform.ts'
import { BLOCK_BYTES, PieceMap, parseTorrent } from '../../../protocol/metainfo/index.ts'
import {
  encodeHandshake,
  encodePieceHeader,
  PIECE_HEADER_BYTES,
  WireDecoder,
  WireEncoder,
  type WireHandler,
} from '../../../protocol/wire/index.ts'
import type { SimContent, SimNode } from '../../../sim/index.ts'

export interface BlockRequest {
  readonly piece: number
  readonly begin: number
  readonly length: number
}

/** What a peer does at each turn. Absent: what an honest one does. */
export interface Script {
  /** The other side is interested. Default: it is unchoked. */
  interested?(talk: Conversation): void
  /** A block is asked for. Default: it is sent. */
  request?(talk: Conversation, request: BlockRequest): void
}

export interface ScriptedPeerOptions {
  readonly content: SimContent
  readonly script: Script
  /** Pieces that it says it has. Default: all. */
  readonly pieces?: readonly number[]
  /** Default 6881. */
  readonly port?: number
}

const MAX_MESSAGE_BYTES = 262_144

/** Waits for whoever connects. */
export class ScriptedPeer {
  readonly address: string
  /** Conversations so far. */
  met = 0
  /** Requests that it received. */
  requests = 0
  readonly #options: ScriptedPeerOptions

  constructor(node: SimNode, options: ScriptedPeerOptions) {
    const { port = 6881 } = options
    this.#options = options
    this.address = `${node.ip}:${port}`
    const met = (): void => void this.met++
    const asked = (): void => void this.requests++
    const geometry = new PieceMap(parseTorrent(options.content.torrent))
    void node.platform.network.listen({ ip: node.ip, port }, (connection) => {
      met()
      const peerId = node.platform.random.bytes(20)
      return new Conversation(connection, this.#options, geometry, peerId, asked)
    })
  }
}

/** With one who has connected. */
export class Conversation implements ConnectionHandler, WireHandler {
  readonly #connection: Connection
  readonly #options: ScriptedPeerOptions
  readonly #map: PieceMap
  readonly #onRequest: () => void
  readonly #encoder = new WireEncoder()
  readonly #decoder = new WireDecoder(this, MAX_MESSAGE_BYTES)

  constructor(
    connection: Connection,
    options: ScriptedPeerOptions,
    map: PieceMap,
    peerId: Uint8Array,
    onRequest: () => void,
  ) {
    this.#connection = connection
    this.#options = options
    this.#map = map
    this.#onRequest = onRequest
    this.#encoder.raw(encodeHandshake(parseTorrent(options.content.torrent).infohashV1!, peerId, NO_EXTENSIONS))
    this.#encoder.bitfield(this.#have().bytes)
    this.#flush()
  }

  unchoke(): void {
    this.#encoder.unchoke()
    this.#flush()
  }

  choke(): void {
    this.#encoder.choke()
    this.#flush()
  }

  /** Sends the block, right as it is. */
  sendBlock({ piece, begin, length }: BlockRequest): void {
    const block = this.#map.blockAt(piece, begin, length)
    if (block < 0) throw new RangeError(`Cannot send ${length} bytes at ${begin} of piece ${piece}: no such block`)
    const message = new Uint8Array(PIECE_HEADER_BYTES + length)
    encodePieceHeader(message, 0, piece, begin, length)
    const place = (piece * this.#map.nominalPieceLength + begin) / BLOCK_BYTES
    message.set(this.#options.content.block(place), PIECE_HEADER_BYTES)
    this.#connection.write(message)
  }

  #have(): Bitfield {
    const { pieces } = this.#options
    if (!pieces) return Bitfield.full(this.#map.pieceCount)
    const have = new Bitfield(this.#map.pieceCount)
    for (const piece of pieces) have.set(piece)
    return have
  }

  #flush(): void {
    this.#connection.write(this.#encoder.take())
  }

  // ---------------------------------------------------------------- what the other side says

  onBytes(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
  }

  onInterested(): void {
    const { script } = this.#options
    if (script.interested) script.interested(this)
    else this.unchoke()
  }

  onRequest(piece: number, begin: number, length: number): void {
    this.#onRequest()
    const { script } = this.#options
    if (script.request) script.request(this, { piece, begin, length })
    else this.sendBlock({ piece, begin, length })
  }

  onEnd(): void {
    this.#connection.close()
  }

  // Everything else makes no difference to it.
  onOpen(): void {}
  onDrain(): void {}
  onClose(): void {}
  onHandshakeHead(): void {}
  onPeerId(): void {}
  onKeepAlive(): void {}
  onChoke(): void {}
  onUnchoke(): void {}
  onNotInterested(): void {}
  onHave(): void {}
  onBitfield(): void {}
  onCancel(): void {}
  onBlockStart(): void {}
  onBlockBytes(): void {}
  onBlockEnd(): void {}
  onSuggest(): void {}
  onHaveAll(): void {}
  onHaveNone(): void {}
  onReject(): void {}
  onAllowedFast(): void {}
  onPort(): void {}
  onExtended(): void {}
}

const NO_EXTENSIONS = { extensions: false, fast: false }
