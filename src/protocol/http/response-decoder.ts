// Answers of an HTTP/1.1 server, one after the other, from chunks of any size: heads become values, bodies are passed on as
// views of the chunks, never copied. Everything is bounded: a head by its bytes, what stands around chunks likewise.
// Not for compression: whoever wants bytes of a file asks for none.
import { decodeUtf8 } from '../../base/bytes.ts'
import { NetworkError } from '../../base/errors.ts'
import { bodyEnd, type HttpHead, parseHead } from './http-head.ts'

export interface ResponseHandler {
  onHead(head: HttpHead): void
  /** A part of the body, a view that is valid during the call. */
  onBody(bytes: Uint8Array): void
  /** The answer is complete. `isLast`: the connection is of no use any more. */
  onComplete(isLast: boolean): void
}

/** Of a head, and of what follows the last chunk of a body. */
const MAX_HEAD_BYTES = 16_384
/** Of the line before a chunk: its size, and extensions that nobody uses. */
const MAX_CHUNK_LINE_BYTES = 256
const LF = 10
const CHUNK_LINE = [MAX_CHUNK_LINE_BYTES, 'line before a chunk'] as const
/** Of what is read to the end of its line. */
const BOUNDS: Readonly<Partial<Record<State, readonly [bytes: number, what: string]>>> = {
  head: [MAX_HEAD_BYTES, 'head'],
  trailers: [MAX_HEAD_BYTES, 'trailer'],
}

type State = 'head' | 'body' | 'to-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'stopped'

export class ResponseDecoder {
  readonly #handler: ResponseHandler
  #state: State = 'head'
  /** The head, or the line, that is not complete yet. */
  #text = new Uint8Array(512)
  #textBytes = 0
  /** Bytes of the body, or of its chunk, that are still to come. */
  #left = 0
  #trailerBytes = 0
  #isLast = false

  constructor(handler: ResponseHandler) {
    this.#handler = handler
  }

  /** The handler is called for what the bytes complete. Throws NetworkError `bad_response`; nothing may follow it. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && this.#state !== 'stopped') {
      if (this.#state === 'to-close') {
        this.#handler.onBody(chunk.subarray(at))
        return
      }
      at = this.#state === 'body' || this.#state === 'chunk' ? this.#passOn(chunk, at) : this.#readText(chunk, at)
    }
  }

  /** Nothing more comes. Throws NetworkError `bad_response` in the middle of an answer. */
  end(): void {
    if (this.#state === 'to-close') this.#complete()
    else if (this.#state !== 'stopped' && (this.#state !== 'head' || this.#textBytes > 0))
      throw new NetworkError('bad_response', 'The connection was closed in the middle of the answer')
  }

  /** The handler is not called any more, whatever else is in the chunk. */
  stop(): void {
    this.#state = 'stopped'
  }

  #passOn(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left)
    this.#left -= end - at
    const isWhole = at === 0 && end === chunk.length
    this.#handler.onBody(isWhole ? chunk : chunk.subarray(at, end))
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk-end'
      else if (this.#state === 'body') this.#complete()
    }
    return end
  }

  /** Up to the end of the line. */
  #readText(chunk: Uint8Array, at: number): number {
    const lineEnd = chunk.indexOf(LF, at)
    const end = lineEnd < 0 ? chunk.length : lineEnd + 1
    this.#keep(chunk.subarray(at, end))
    if (lineEnd >= 0) this.#onLine()
    return end
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#textBytes + bytes.length
    const [most, what] = BOUNDS[this.#state] ?? CHUNK_LINE
    if (length > most) throw new NetworkError('bad_response', `The answer has a ${what} of more than ${most} bytes`)
    if (length > this.#text.length) {
      const longer = new Uint8Array(Math.max(length, 2 * this.#text.length))
      longer.set(this.#text.subarray(0, this.#textBytes))
      this.#text = longer
    }
    this.#text.set(bytes, this.#textBytes)
    this.#textBytes = length
  }

  #onLine(): void {
    if (this.#state === 'head') {
      if (this.#endsWithEmptyLine()) this.#onHead()
      return
    }
    const line = decodeUtf8(this.#text.subarray(0, this.#textBytes)).trim()
    this.#trailerBytes += this.#textBytes
    this.#textBytes = 0
    if (this.#state === 'chunk-size') this.#onChunkSize(line)
    else if (this.#state === 'chunk-end') {
      if (line !== '') throw new NetworkError('bad_response', 'The answer has a chunk that is longer than it says')
      this.#state = 'chunk-size'
    } else if (line === '') this.#complete()
    else if (this.#trailerBytes > MAX_HEAD_BYTES)
      throw new NetworkError('bad_response', `The answer has trailers of more than ${MAX_HEAD_BYTES} bytes`)
  }

  #endsWithEmptyLine(): boolean {
    const [text, end] = [this.#text, this.#textBytes]
    const before = text[end - 2] === 13 ? end - 2 : end - 1
    return before === 0 || text[before - 1] === LF
  }

  #onHead(): void {
    const text = decodeUtf8(this.#text.subarray(0, this.#textBytes)).replace(/\r?\n\r?\n$/, '')
    this.#textBytes = 0
    const head = parseHead(text)
    // "Early hints" and the like: the answer itself is still to come.
    if (head.status < 200) {
      if (head.status === 101) throw new NetworkError('bad_response', 'The answer changes to another protocol')
      return
    }
    const end = bodyEnd(head)
    this.#isLast = !head.keepsAlive || end === 'close'
    this.#left = typeof end === 'number' ? end : 0
    this.#state = end === 'close' ? 'to-close' : end === 'chunks' ? 'chunk-size' : 'body'
    this.#handler.onHead(head)
    if (end === 0 && !this.#isStopped) this.#complete()
  }

  get #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  #onChunkSize(line: string): void {
    const size = /^([0-9a-f]{1,12})\s*(?:;.*)?$/i.exec(line)?.[1]
    if (size === undefined) throw new NetworkError('bad_response', 'The answer has a chunk without a size')
    this.#left = Number.parseInt(size, 16)
    this.#trailerBytes = 0
    this.#state = this.#left === 0 ? 'trailers' : 'chunk'
  }

  #complete(): void {
    const isLast = this.#isLast
    this.#state = isLast ? 'stopped' : 'head'
    this.#handler.onComplete(isLast)
  }
}
