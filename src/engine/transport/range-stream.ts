// Bytes of files from one web server, in the order in which they were asked for: a stream of ranges over kept connections.
// Redirects are followed here (5 at most), and where each leads is judged by the IP that is dialled: a server out in the
// internet cannot send us to a machine of this network. After a failure all ranges are forgotten: the owner asks anew.
//
// Requests are pipelined once the server has shown that it answers directly, so that no round trip is lost between two ranges,
// or two small files. Whatever comes otherwise than expected ends that, and goes on with one request at a time.
import { ipAddress, ipScope, isIpv6 } from '../../base/address.ts'
import type { NetworkError } from '../../base/errors.ts'
import type { Network } from '../../platform/platform.ts'
import type { HttpHead } from '../../protocol/http/index.ts'
import { HttpLink } from './http-link.ts'
import { judgeAnswer, type RangeAnswer, type RangeFailure } from './range-answer.ts'
import { encodeRangeRequest, parseHttpUrl, serverKey, serverOf, type WebTarget } from './web-target.ts'

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
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Unix milliseconds. */
  readonly wall: () => number
}

const MAX_REDIRECTS = 5
/** IPs of one name that are dialled, one after the other. */
const MAX_IPS = 3
/** Connections that are kept: to the server, and to the one that it sends us to. */
const MAX_LINKS = 2
const MAX_PIPELINED = 4
/** Without a sign of life for so long the server is given up for now. */
const SILENT_MS = 15_000
/** What a connection must have brought, unless it has brought a whole answer, to be replaced at once when it breaks off. */
const WORTHWHILE_BYTES = 262_144
/** Of the answer to a redirect, which nobody reads. */
const MAX_IGNORED_BYTES = 65_536

export class RangeStream {
  readonly #options: RangeStreamOptions
  readonly #owner: RangeStreamOwner
  readonly #links = new Map<string, HttpLink>()
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
  #redirects = 0
  /** Where the file that was asked for last is, when it is somewhere else than its URL says. */
  #redirected: { readonly from: string; readonly to: WebTarget; readonly isProven: boolean } | null = null
  #mayPipeline = false
  /** Grows with each attempt to connect; a lookup that belongs to an earlier one is of no interest. */
  #attempt = 0
  #isOpening = false
  #aliveAt: number

  constructor(options: RangeStreamOptions, owner: RangeStreamOwner) {
    this.#options = options
    this.#owner = owner
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
    this.#received = this.#redirects = 0
    this.#restart()
  }

  close(): void {
    this.abort()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  tick(now: number): void {
    if (now - this.#aliveAt <= SILENT_MS) return
    if (this.isIdle) this.close()
    else this.#fail({ ...PASSING, code: 'timed_out', reason: `it has been silent for ${SILENT_MS / 1000} s` })
  }

  // ---------------------------------------------------------------- asking

  #pump(): void {
    if (this.isIdle || this.#isOpening) return
    if (this.#sent === 0) {
      const target = this.#targetOf(this.#ranges[0])
      if (!target) return this.#fail({ ...FATAL, code: 'unsupported_url', reason: 'its URL is not of http or https' })
      const link = this.#links.get(serverKey(target))
      if (!link || link.isClosed) return void this.#open(target)
      this.#link = link
      this.#send(target)
    }
    if (!this.#mayPipeline) return
    while (this.#sent < Math.min(this.#ranges.length, MAX_PIPELINED)) {
      const target = this.#targetOf(this.#ranges[this.#sent])
      if (!target || this.#links.get(serverKey(target)) !== this.#link) return
      this.#send(target)
    }
  }

  #targetOf({ url }: WebRange): WebTarget | null {
    if (this.#redirected?.from === url) return this.#redirected.to
    const parsed = parseHttpUrl(url)
    return parsed && { url: parsed, mustBeGlobal: false }
  }

  #send(target: WebTarget): void {
    const range = this.#ranges[this.#sent]
    // Of the first, part may have come from another connection.
    const first = range.offset + (this.#sent === 0 ? this.#received : 0)
    const last = range.offset + range.length - 1
    this.#link!.ask(encodeRangeRequest(target, first, last, this.#options.userAgent))
    this.#sent++
  }

  async #open(target: WebTarget): Promise<void> {
    const attempt = ++this.#attempt
    const { network, localIp } = this.#options
    this.#isOpening = true
    let ips: readonly string[] = []
    let failure: RangeFailure = { ...FATAL, code: 'unsafe_redirect', reason: 'it redirects into the local network' }
    try {
      ips = await network.lookup(target.url.hostname, localIp === undefined ? 'any' : isIpv6(localIp) ? 6 : 4)
    } catch (error) {
      failure = passing(error as NetworkError)
    }
    if (attempt !== this.#attempt) return
    this.#isOpening = false
    if (target.mustBeGlobal) ips = ips.filter((ip) => ipScope(ip) === 'global')
    if (ips.length === 0) this.#fail(failure)
    else this.#connect(target, ips.slice(0, MAX_IPS))
  }

  #connect(target: WebTarget, [ip, ...others]: readonly string[]): void {
    const { network, localIp } = this.#options
    const { host, port, isTls } = serverOf(target)
    const options = { ...(localIp === undefined ? {} : { localIp }), ...(isTls ? { tlsServer: host } : {}) }
    this.#makeRoom()
    const link: HttpLink = new HttpLink(network, ipAddress(ip, port), options, {
      onOpen: () => this.#alive(),
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#onBody(bytes, link),
      onComplete: () => this.#onComplete(link),
      onEnded: (error) => {
        if (link !== this.#link) return
        this.#forget(link)
        if (!link.hasOpened && others.length > 0) this.#connect(target, others)
        else this.#onLost(link, error)
      },
    })
    this.#links.set(serverKey(target), link)
    this.#link = link
    this.#linkBytes = 0
    this.#send(target)
  }

  #makeRoom(): void {
    for (const [key, link] of this.#links) {
      if (!link.isClosed && this.#links.size < MAX_LINKS) continue
      link.close()
      this.#links.delete(key)
    }
  }

  /** No request is on its way any more; a connection that still owes answers is of no use. */
  #restart(): void {
    this.#attempt++
    this.#isOpening = false
    if (this.#link && this.#link.pending > 0) this.#link.close()
    if (this.#link) this.#forget(this.#link)
  }

  #forget(link: HttpLink): void {
    if (link === this.#link) this.#link = null
    this.#sent = 0
    this.#answer = null
  }

  // ---------------------------------------------------------------- answers

  #onHead(head: HttpHead): void {
    this.#alive()
    const { offset, length, fileLength } = this.#ranges[0]
    const asked = { offset: offset + this.#received, length: length - this.#received, fileLength }
    const answer = judgeAnswer(head, asked, this.#options.wall())
    if (answer.kind === 'failed') return this.#onRefused(answer.failure)
    this.#answer = answer
    this.#answerLeft = answer.kind === 'bytes' ? answer.length : MAX_IGNORED_BYTES
    if (answer.kind === 'bytes' && this.#redirected) this.#redirected = { ...this.#redirected, isProven: true }
  }

  /** What a redirect led to may hold for a while only: it is asked for anew. */
  #onRefused(failure: RangeFailure): void {
    const wasProven = this.#redirected?.isProven === true
    this.#redirected = null
    if (!wasProven) return this.#fail(failure)
    this.#restart()
    this.#pump()
  }

  #onBody(bytes: Uint8Array, link: HttpLink): void {
    this.#alive()
    const isMore = bytes.length > this.#answerLeft
    const taken = isMore ? bytes.subarray(0, this.#answerLeft) : bytes
    this.#answerLeft -= taken.length
    if (this.#answer?.kind !== 'bytes') {
      // A redirect with a page of its own: the connection costs more than it is worth.
      if (isMore) link.close()
      if (isMore) this.#onComplete(link)
      return
    }
    this.#received += taken.length
    this.#linkBytes += taken.length
    this.#owner.onBytes(taken)
    // The owner may have changed its mind.
    if (isMore && link === this.#link)
      this.#fail({ ...PASSING, scope: 'file', code: 'wrong_size', reason: 'it sends more than it was asked for' })
  }

  #onComplete(link: HttpLink): void {
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
    this.#ranges.shift()
    this.#received = this.#redirects = 0
    this.#mayPipeline ||= link.answers === 1 && !this.#redirected
    if (this.#sent === 0 && link.isClosed) this.#forget(link)
    if (this.#ranges[0]?.url !== this.#redirected?.from) this.#redirected = null
    this.#owner.onRangeDone()
    this.#pump()
  }

  #follow(location: string, link: HttpLink): void {
    const { url: from } = this.#ranges[0]
    const target = this.#targetOf(this.#ranges[0])!
    this.#restart()
    this.#mayPipeline = false
    if (++this.#redirects > MAX_REDIRECTS)
      return this.#fail({
        ...FATAL,
        code: 'too_many_redirects',
        reason: `it redirects more than ${MAX_REDIRECTS} times`,
      })
    const url = parseHttpUrl(location, target.url)
    if (!url) return this.#fail({ ...FATAL, code: 'unsupported_url', reason: 'it redirects to no http or https URL' })
    const mustBeGlobal = target.mustBeGlobal || ipScope(link.address.ip) === 'global'
    this.#redirected = { from, to: { url, mustBeGlobal }, isProven: false }
    this.#pump()
  }

  /**
   * The connection is gone, with requests on it. Where it has brought something, the next one goes on from there: servers end
   * connections after so many requests, or so much time.
   */
  #onLost(link: HttpLink, error: NetworkError): void {
    const wasUsed = link.answers > 0 || this.#linkBytes >= WORTHWHILE_BYTES
    this.#mayPipeline = false
    if (!wasUsed) return this.#onRefused(passing(error))
    this.#pump()
  }

  #fail(failure: RangeFailure): void {
    this.abort()
    this.#redirected = null
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
