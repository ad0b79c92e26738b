// What a peer said, one line a message, so that tests compare conversations as text.
import { concatBytes, toHex } from '../../src/base/bytes.ts'
import { type Capabilities, WireDecoder, type WireHandler } from '../../src/protocol/wire/index.ts'

export class WireLog implements WireHandler {
  /** `interested`, `have 5`, `request 1:16384 16384`, `piece 1:16384 <hex of the block>`, ... */
  readonly lines: string[] = []
  #block = { head: '', parts: [] as Uint8Array[] }

  onHandshakeHead(infohash: Uint8Array, { fast, extensions }: Capabilities): void {
    this.lines.push(`handshake ${toHex(infohash)}${fast ? ' fast' : ''}${extensions ? ' extensions' : ''}`)
  }
  onPeerId(peerId: Uint8Array): void {
    this.lines.push(`peer-id ${toHex(peerId)}`)
  }
  onKeepAlive(): void {
    this.lines.push('keep-alive')
  }
  onChoke(): void {
    this.lines.push('choke')
  }
  onUnchoke(): void {
    this.lines.push('unchoke')
  }
  onInterested(): void {
    this.lines.push('interested')
  }
  onNotInterested(): void {
    this.lines.push('not-interested')
  }
  onHave(piece: number): void {
    this.lines.push(`have ${piece}`)
  }
  onBitfield(bits: Uint8Array): void {
    this.lines.push(`bitfield ${toHex(bits)}`)
  }
  onRequest(piece: number, begin: number, length: number): void {
    this.lines.push(`request ${piece}:${begin} ${length}`)
  }
  onCancel(piece: number, begin: number, length: number): void {
    this.lines.push(`cancel ${piece}:${begin} ${length}`)
  }
  onBlockStart(piece: number, begin: number): void {
    this.#block = { head: `piece ${piece}:${begin}`, parts: [] }
  }
  onBlockBytes(bytes: Uint8Array): void {
    this.#block.parts.push(bytes.slice())
  }
  onBlockEnd(): void {
    this.lines.push(`${this.#block.head} ${toHex(concatBytes(this.#block.parts))}`)
  }
  onSuggest(piece: number): void {
    this.lines.push(`suggest ${piece}`)
  }
  onHaveAll(): void {
    this.lines.push('have-all')
  }
  onHaveNone(): void {
    this.lines.push('have-none')
  }
  onReject(piece: number, begin: number, length: number): void {
    this.lines.push(`reject ${piece}:${begin} ${length}`)
  }
  onPort(port: number): void {
    this.lines.push(`port ${port}`)
  }
  onAllowedFast(piece: number): void {
    this.lines.push(`allowed-fast ${piece}`)
  }
  onExtended(id: number, payload: Uint8Array): void {
    this.lines.push(`extended ${id} ${toHex(payload)}`)
  }
}

/** The lines of a whole stream, handshake first, cut into these chunks. */
export function readWire(chunks: readonly Uint8Array[], maxMessageBytes = 262_144): string[] {
  const log = new WireLog()
  const decoder = new WireDecoder(log, maxMessageBytes)
  for (const chunk of chunks) decoder.push(chunk)
  return log.lines
}
