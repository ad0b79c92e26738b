// Bytes of files from one web server, in the order in which they were asked for: a stream of ranges over kept connections.
// Redirects are followed here (5 at most), and where each leads is judged by the IP that is dialled: a server out in the
// internet cannot send us to a machine of this network. After a failure all ranges are forgotten: the owner asks anew.
//
// Requests are pipelined once the server has shown that it answers directly, so that no round trip is lost between two ranges,
// or two small files. Whatever comes otherwise than expected ends that, and goes on with one request at a time.
import type { NetworkError } from '../../base/errors.ts'
import type { Network } from '../../platform/platform.ts'
import type { HttpHead } from '../../protocol/http/index.ts'
import type { HttpLink } from './http-link.ts'
import { judgeAnswer, type RangeAnswer, type RangeFailure } from './range-answer.ts'
import { WebLinks, type WebLinksOwner } from './web-links.ts'
import { WebRedirects } from './web-redirects.ts'
import { encodeRangeRequest, type WebTarget } from './web-target.ts'

/** Bytes of a file on the server. */
export interface WebRange {
  readonly url: string
  readonly offset: number
  readonly length: number
  readonly fileLength: number
}

export interface RangeStreamOwner {
  /** The next bytes of what was asked for: a view that is valid during the call. */
  onBytes(bytes: Uint8Array): void
  /** A range has been received to its end. */
  onRangeDone(): void
  /** The first range cannot be had, and all are forgotten. */
  onFailed(failure: RangeFailure): void
}

export interface RangeStreamOptions {
  readonly network: Pick<Network, 'connect' | 'lookup'>
  readonly userAgent: string
  readonly localIp: string | undefined
  /** A person named the server. What a stranger names may be in the local network only if its URL has no query: that might be an order. */
  readonly isTrusted: boolean
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Unix milliseconds. */
  readonly wall: () => number
}

/** After so long another IP of the server has its turn, whether or not the one before would still answer. */
const DIAL_MS = 4_000
const MAX_PIPELINED = 4
/** Without a sign of life for so long the server is given up for now. */
const SILENT_MS = 15_000
/** What a connection must have brought, unless it has brought a whole answer, to be replaced at once when it breaks off. */
const WORTHWHILE_BYTES = 262_144
/** Of the answer to a redirect, which nobody reads. */
const MAX_IGNORED_BYTES = 65_536

export class RangeStream implements WebLinksOwner {
  readonly #options: RangeStreamOptions
  readonly #owner: RangeStreamOwner
  readonly #links: WebLinks
  /** The first is being received. */
  #ranges: WebRange[] = []
  /** Bytes of the first range that are here. */
  #received = 0
  /** Ranges whose requests are on their way over `#link`: the first ones. */
  #sent = 0
  #link: HttpLink | null = null
  /** Bytes of files that came over the connection that was opened last. */
  #linkBytes = 0
  /** What the answer at hand is worth; null before its head. */
  #answer: RangeAnswer | null = null
  /** Bytes of it that are still to come; of a redirect, those that may. */
  #answerLeft = 0
  /** Of the answer, bytes that are here already: from an earlier connection. */
  #answerSkip = 0
  readonly #redirects: WebRedirects
  #mayPipeline = false
  #aliveAt: number

  constructor(options: RangeStreamOptions, owner: RangeStreamOwner) {
    this.#options = options
    this.#owner = owner
    this.#links = new WebLinks(options, this)
    this.#redirects = new WebRedirects(options.isTrusted)
    this.#aliveAt = options.now()
  }

  get isIdle(): boolean {
    return this.#ranges.length === 0
  }

  /** Ranges are asked for after those before. */
  ask(ranges: readonly WebRange[]): void {
    if (this.isIdle) this.#aliveAt = this.#options.now()
    for (const range of ranges) this.#ranges.push(range)
    this.#pump()
  }

  /** Forgets what was asked for, and closes what is on its way. */
  abort(): void {
    this.#ranges = []
    this.#received = 0
    this.#restart()
  }

  close(): void {
    this.abort()
    this.#links.closeAll()
    this.#redirects.forget()
  }

  tick(now: number): void {
    const silentMs = now - this.#aliveAt
    if ((silentMs > DIAL_MS && this.#links.dialOther()) || silentMs <= SILENT_MS) return
    if (this.isIdle) return this.close()
    if (this.#link) this.#links.putLast(this.#link.address.ip)
    this.#fail({ ...PASSING, code: 'timed_out', reason: `it has been silent for ${SILENT_MS / 1000} s` })
  }

  // ---------------------------------------------------------------- asking

  #pump(): void {
    if (this.isIdle || this.#links.isLookingUp) return
    if (this.#sent === 0) {
      const target = this.#redirects.targetOf(this.#ranges[0].url)
      if (!target) return this.#fail({ ...FATAL, code: 'unsupported_url', reason: 'its URL is not of http or https' })
      const link = this.#links.to(target)
      if (!link) return void this.#links.open(target)
      this.#link = link
      this.#send(target)
    }
    if (!this.#mayPipeline) return
    while (this.#sent < Math.min(this.#ranges.length, MAX_PIPELINED)) {
      const target = this.#redirects.targetOf(this.#ranges[this.#sent].url)
      if (!target || this.#links.to(target) !== this.#link) return
      this.#send(target)
    }
  }

  #send(target: WebTarget): void {
    const range = this.#ranges[this.#sent]
    // Of the first, part may have come from another connection.
    const first = range.offset + (this.#sent === 0 ? this.#received : 0)
    const last = range.offset + range.length - 1
    this.#link!.ask(encodeRangeRequest(target, first, last, this.#options.userAgent))
    this.#sent++
  }

  onDialled(link: HttpLink, target: WebTarget): void {
    this.#forget()
    this.#link = link
    this.#linkBytes = 0
    this.#alive()
    this.#send(target)
  }

  onUnreachable(error: NetworkError | null): void {
    if (error) return this.#fail(passing(error))
    if (this.#redirects.hasLed(this.#ranges[0].url))
      return this.#fail({ ...FATAL, code: 'unsafe_redirect', reason: 'it redirects into the local network' })
    const reason = 'it is in the local network, where a torrent may not send us with a query'
    this.#fail({ ...PASSING, code: 'unsafe_url', reason })
  }

  onOpen(): void {
    this.#alive()
  }

  /** No request is on its way any more; a connection that still owes answers is of no use. */
  #restart(): void {
    this.#links.stopOpening()
    if (this.#link && this.#link.pending > 0) this.#link.close()
    this.#forget()
  }

  #forget(): void {
    this.#link = null
    this.#sent = 0
    this.#answer = null
  }

  // ---------------------------------------------------------------- answers

  onHead(head: HttpHead): void {
    this.#alive()
    const { url, offset, length, fileLength } = this.#ranges[0]
    const asked = { offset, length, received: this.#received, fileLength }
    const answer = judgeAnswer(head, asked, this.#options.wall())
    if (answer.kind === 'failed') return this.#onRefused(answer.failure)
    this.#answer = answer
    this.#answerLeft = answer.kind === 'bytes' ? answer.length : MAX_IGNORED_BYTES
    this.#answerSkip = answer.kind === 'bytes' ? answer.skip : 0
    if (answer.kind === 'bytes') this.#redirects.onContent(url)
  }

  #onRefused(failure: RangeFailure): void {
    if (!this.#redirects.isToBeAskedAnew(this.#ranges[0].url)) return this.#fail(failure)
    this.#restart()
    this.#pump()
  }

  onBody(bytes: Uint8Array, link: HttpLink): void {
    this.#alive()
    const isMore = bytes.length > this.#answerLeft
    const taken = isMore ? bytes.subarray(0, this.#answerLeft) : bytes
    this.#answerLeft -= taken.length
    if (this.#answer?.kind !== 'bytes') {
      // A redirect with a page of its own: the connection costs more than it is worth.
      if (isMore) link.close()
      if (isMore) this.onComplete(link)
      return
    }
    const skipped = Math.min(this.#answerSkip, taken.length)
    this.#answerSkip -= skipped
    this.#received += taken.length - skipped
    this.#linkBytes += taken.length
    this.#owner.onBytes(skipped > 0 ? taken.subarray(skipped) : taken)
    // The owner may have changed its mind.
    if (isMore && link === this.#link)
      this.#fail({ ...PASSING, scope: 'file', code: 'wrong_size', reason: 'it sends more than it was asked for' })
  }

  onComplete(link: HttpLink): void {
    if (link !== this.#link) return
    const answer = this.#answer
    this.#answer = null
    this.#sent--
    if (answer?.kind === 'redirect') return this.#follow(answer.location, link)
    if (this.#answerLeft > 0)
      return this.#fail({ ...PASSING, code: 'closed', reason: 'it ended in the middle of an answer' })
    if (this.#received < this.#ranges[0].length) {
      // Less than was asked for: what is left of it comes before what was asked for after it.
      this.#mayPipeline = false
      this.#restart()
      return this.#pump()
    }
    const { url } = this.#ranges.shift()!
    this.#received = 0
    this.#mayPipeline ||= link.answers === 1 && !this.#redirects.hasLed(url)
    if (this.#sent === 0 && link.isClosed) this.#forget()
    this.#redirects.onRangeDone()
    this.#owner.onRangeDone()
    this.#pump()
  }

  #follow(location: string, link: HttpLink): void {
    this.#restart()
    this.#mayPipeline = false
    const failure = this.#redirects.follow(this.#ranges[0].url, location, link.address.ip)
    if (failure) this.#fail(failure)
    else this.#pump()
  }

  /**
   * The connection is gone, with requests on it. Where it has brought something, the next one goes on from there: servers end
   * connections after so many requests, or so much time.
   */
  onLost(link: HttpLink, error: NetworkError): void {
    if (link !== this.#link) return
    this.#forget()
    const wasUsed = link.answers > 0 || this.#linkBytes >= WORTHWHILE_BYTES
    this.#mayPipeline = false
    if (!wasUsed) return this.#onRefused(passing(error))
    this.#pump()
  }

  #fail(failure: RangeFailure): void {
    this.abort()
    this.#redirects.forget()
    this.#mayPipeline = false
    this.#owner.onFailed(failure)
  }

  #alive(): void {
    this.#aliveAt = this.#options.now()
  }
}

const PASSING = { scope: 'for-now', retryAfterMs: null } as const
const FATAL = { scope: 'for-good', retryAfterMs: null } as const

function passing(error: NetworkError): RangeFailure {
  return { ...PASSING, code: error.code, reason: error.message }
}
