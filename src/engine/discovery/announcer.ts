// Announces one torrent to its trackers (BEP 3, 12): whom to ask, when, and with which event.
//
// What it weighs:
// - BEP 12: tiers in order, shuffled within; one tracker is enough, the next is a substitute; who answered moves to the front.
// - A dead tracker delays nobody: a substitute is asked as soon as one fails, or says nothing for 3 s (its own time limit,
//   up to 105 s over UDP, goes on beside that).
// - Whoever was asked once has its own schedule: its interval, or a growing pause after failures. So a first tier that
//   comes back is found again, and nobody is asked more often than it wants.
// - Other torrents have their turns too: an announce may have to wait for its own, and its 3 s begin with that.
// - A torrent that lacks peers (`wantMore`) may ask again from `min interval` on, and goes on to further trackers.
// - Leaving is bounded: 3 s for all trackers together.
// Not its business: how an announce travels (`tracker-clients.ts`), and what becomes of the addresses.
import type { Address } from '../../base/address.ts'
import { viewOf } from '../../base/bytes.ts'
import { TrackerError } from '../../base/errors.ts'
import type { Clock, Random } from '../../platform/platform.ts'
import {
  type AnnounceAnswer,
  type AnnounceEvent,
  type AnnounceRequest,
  LEFT_UNKNOWN,
} from '../../protocol/tracker/announce.ts'
import type { AnnounceClients } from './announce-clients.ts'
import { AnnounceState } from './announce-state.ts'
import { sayFarewell } from './farewell.ts'
import { parseTrackerUrl } from './tracker-clients.ts'

/** The torrent, as its announcer sees it. */
export interface AnnouncerOwner {
  /** Payload bytes since the start, and bytes not yet verified, as of now; null: nobody knows how many. */
  announceFigures(): { readonly uploaded: number; readonly downloaded: number; readonly left: number | null }
  /** Worth dialling: without port 0, multicast, our own and the like. May come often, with the same ones again. */
  onAddresses(addresses: readonly Address[], trackerUrl: string): void
  onTrackerWarning(trackerUrl: string, message: string): void
  /** One announce failed; the announcer goes on by itself. */
  onTrackerError(trackerUrl: string, error: TrackerError): void
  /** A tracker sees us under this IP (BEP 24). Told once, until it says another one. */
  onExternalIp(ip: string, trackerUrl: string): void
}

export interface AnnouncerOptions {
  readonly platform: {
    readonly clock: Pick<Clock, 'now' | 'after'>
    readonly random: Pick<Random, 'below' | 'bytes'>
  }
  readonly clients: AnnounceClients
  /** URLs by tier. Beyond 100 they are left out. */
  readonly tiers: readonly (readonly string[])[]
  /** 20 bytes: the id of the swarm. */
  readonly infohash: Uint8Array
  /** 20 bytes. */
  readonly peerId: Uint8Array
  /** Where we accept peers. */
  readonly listenPort: () => number
  /** Of a private torrent (BEP 27): others than the first tracker are asked when that fails, not because peers are few. */
  readonly isPrivate?: () => boolean
  /** Peers to ask for. Default 100. */
  readonly numWant?: number
}

export interface TrackerStatus {
  readonly url: string
  /** From 0. */
  readonly tier: number
  /** `idle`: not needed so far; `announcing` may also be waiting for its turn among all torrents. */
  readonly state: 'idle' | 'announcing' | 'working' | 'failed'
  /** Why the last announce failed. */
  readonly error: string | null
  /** The tracker's own words, when that was a refusal. A stranger's text: clean it before you print it. */
  readonly refusal: string | null
  /** As the tracker said last. */
  readonly seeders: number | null
  readonly leechers: number | null
  /** Our IP as the tracker sees it (BEP 24); null where it does not say. */
  readonly externalIp: string | null
  /** Milliseconds; null when none is planned. */
  readonly nextAnnounceInMs: number | null
}

/** While peers are wanted, one more tracker is brought in this often. */
const BRING_IN_EVERY_MS = 10_000
const MAX_TRACKERS = 100

export class Announcer {
  readonly #options: AnnouncerOptions
  readonly #owner: AnnouncerOwner
  /** By which a tracker knows us again when our IP changes. */
  readonly #key: number
  /** In the order in which they are asked. */
  #trackers: AnnounceState[] = []
  #isRunning = false
  #wasStopped = false
  #wasComplete = false
  #lastBroughtInAt = -Infinity

  constructor(options: AnnouncerOptions, owner: AnnouncerOwner) {
    this.#options = options
    this.#owner = owner
    const { random } = options.platform
    this.#key = viewOf(random.bytes(4)).getUint32(0)
    this.#trackers = this.#shuffled()
  }

  #shuffled(): AnnounceState[] {
    const { tiers, platform } = this.#options
    return tiers
      .flatMap((urls, tier) => shuffled(urls, platform.random).map((url) => new AnnounceState(url, tier)))
      .slice(0, MAX_TRACKERS)
  }

  /** Asks the first tracker. Times are those of the clock, here and below. After `stop` all begins anew. */
  start(now: number): void {
    if (this.#isRunning) return
    this.#isRunning = true
    if (this.#wasStopped) this.#trackers = this.#shuffled()
    this.#wasComplete = this.#owner.announceFigures().left === 0
    for (const tracker of this.#trackers) this.#refuseUnsupported(tracker)
    this.#bringInSubstitute(now)
  }

  /** Once a second or more often: asks those whose time has come. */
  tick(now: number): void {
    if (!this.#isRunning) return
    for (const tracker of this.#trackers) {
      if (tracker.flight === null && now >= tracker.nextAt) this.#announce(tracker)
    }
    this.#bringInSubstitute(now)
  }

  /** The download is complete: tells the trackers that saw it begin. Without effect for one that was complete at the start. */
  announceCompleted(): void {
    if (!this.#isRunning || this.#wasComplete) return
    this.#wasComplete = true
    for (const tracker of this.#trackers) {
      tracker.owesCompleted = tracker.isRegistered || tracker.flight !== null
      // One that is being asked gets it afterwards; one that fails, with its next announce.
      if (tracker.owesCompleted && tracker.isWorking && tracker.flight === null) this.#announce(tracker)
    }
  }

  /** There are too few peers. May be called as often as one likes: trackers are asked no more often than they allow. */
  wantMore(now: number): void {
    if (!this.#isRunning) return
    const ready = this.#trackers.filter((tracker) => tracker.mayAskAgain(now))
    for (const tracker of ready) this.#announce(tracker)
    const isBusy = ready.length > 0 || this.#trackers.some((tracker) => tracker.isFresh(now))
    const isDue = now - this.#lastBroughtInAt >= BRING_IN_EVERY_MS && !this.#options.isPrivate?.()
    if (!isBusy && isDue) this.#bringIn(now)
  }

  /** Our own address has changed, or has gone: whoever was asked is asked anew, as soon as anything can leave. */
  onAddressChange(now: number): void {
    if (!this.#isRunning) return
    for (const tracker of this.#trackers) tracker.askAnew(now)
  }

  /**
   * Tells the trackers that know us that we leave, and before that, where they have not heard it yet, that we are complete.
   * Settles within 3 s, whatever they do; never rejects.
   */
  async stop(): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#wasStopped = true
    const { clients, platform } = this.#options
    const request = (tracker: AnnounceState, event: AnnounceEvent): AnnounceRequest => this.#request(tracker, event)
    await sayFarewell(this.#trackers, { clients, clock: platform.clock, request })
  }

  /** One entry per tracker, in the order in which they are asked. */
  status(): TrackerStatus[] {
    const now = this.#options.platform.clock.now()
    const words = { none: 'idle', answered: 'working', failed: 'failed' } as const
    return this.#trackers.map(({ url, tier, last, flight, error, refusal, seeders, leechers, externalIp, nextAt }) => ({
      url,
      tier,
      state: flight === null ? words[last] : 'announcing',
      error,
      refusal,
      seeders,
      leechers,
      externalIp,
      nextAnnounceInMs: nextAt === Infinity ? null : Math.max(0, nextAt - now),
    }))
  }

  /** While nobody works, the next in order is asked, unless somebody asked a moment ago may still answer. */
  #bringInSubstitute(now: number): void {
    if (this.#trackers.some((tracker) => tracker.isWorking || tracker.isFresh(now))) return
    this.#bringIn(now)
  }

  #bringIn(now: number): void {
    const next = this.#trackers.find((tracker) => tracker.last === 'none' && tracker.flight === null)
    if (next === undefined) return
    this.#lastBroughtInAt = now
    this.#announce(next)
  }

  #announce(tracker: AnnounceState): void {
    const { clients, platform } = this.#options
    if (clients.isCutOff) return
    const event = tracker.nextEvent()
    const flight = tracker.begins(event)
    const announced = clients.announce(tracker.url, () => this.#request(tracker, event), {
      occasion: event === 'started' ? 'first' : 'regular',
      signal: flight.controller.signal,
      onTurn: () => tracker.sent(flight, platform.clock.now()),
      onAnswer: (answer, family) => this.#onAnswer(tracker, answer, family),
    })
    flight.settled = announced.then(
      (answer) => {
        if (tracker.flight === flight) this.#onOutcome(tracker, event, answer)
      },
      (error: unknown) => {
        if (tracker.flight === flight) this.#onFailure(tracker, toTrackerError(error, tracker.url))
      },
    )
  }

  /** Of either family, the second one's perhaps long after the first. */
  #onAnswer(tracker: AnnounceState, answer: AnnounceAnswer, family: 4 | 6): void {
    if (!this.#isRunning || answer.kind === 'refusal') return
    tracker.families.add(family)
    if (answer.warning !== null) this.#owner.onTrackerWarning(tracker.url, answer.warning)
    if (answer.externalIp !== null && answer.externalIp !== tracker.externalIp) {
      tracker.externalIp = answer.externalIp
      this.#owner.onExternalIp(answer.externalIp, tracker.url)
    }
    if (answer.peers.length > 0) this.#owner.onAddresses(answer.peers, tracker.url)
  }

  #onOutcome(tracker: AnnounceState, event: AnnounceEvent, answer: AnnounceAnswer): void {
    if (!this.#isRunning) return
    if (answer.kind === 'refusal') {
      const message = `Cannot announce to ${hostOf(tracker.url)}: the tracker says "${answer.reason}"`
      this.#onFailure(tracker, new TrackerError('tracker_failure', message), answer)
      return
    }
    const now = this.#options.platform.clock.now()
    tracker.flight = null
    tracker.answered(answer, event, now)
    this.#moveToFront(tracker)
    if (tracker.owesCompleted) this.#announce(tracker)
  }

  #onFailure(tracker: AnnounceState, error: TrackerError, answer?: AnnounceAnswer): void {
    if (!this.#isRunning) return
    const now = this.#options.platform.clock.now()
    tracker.flight = null
    tracker.failed(error.message, now, this.#options.platform.random.below(1000) / 1000, answer)
    this.#owner.onTrackerError(tracker.url, error)
    this.#bringInSubstitute(now)
  }

  /** What we cannot speak to is failed from the start, and not asked. */
  #refuseUnsupported(tracker: AnnounceState): void {
    try {
      parseTrackerUrl(tracker.url)
    } catch (error) {
      const trackerError = toTrackerError(error, tracker.url)
      tracker.last = 'failed'
      tracker.error = trackerError.message
      this.#owner.onTrackerError(tracker.url, trackerError)
    }
  }

  /** To the front of its tier (BEP 12). */
  #moveToFront(tracker: AnnounceState): void {
    const others = this.#trackers.filter((other) => other !== tracker)
    const at = others.findIndex((other) => other.tier >= tracker.tier)
    this.#trackers = others.toSpliced(at < 0 ? others.length : at, 0, tracker)
  }

  #request(tracker: AnnounceState, event: AnnounceEvent): AnnounceRequest {
    const { infohash, peerId, listenPort, numWant } = this.#options
    const { uploaded, downloaded, left } = this.#owner.announceFigures()
    return {
      infohash,
      peerId,
      key: this.#key,
      port: listenPort(),
      uploaded,
      downloaded,
      left: left ?? LEFT_UNKNOWN,
      event,
      numWant: event === 'stopped' ? 0 : (numWant ?? 100),
      trackerId: tracker.trackerId,
    }
  }
}

function toTrackerError(error: unknown, url: string): TrackerError {
  if (error instanceof TrackerError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new TrackerError('failed', `Cannot announce to ${hostOf(url)}: ${text}`)
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url.slice(0, 200)
}

function shuffled(urls: readonly string[], random: Pick<Random, 'below'>): string[] {
  const order = [...urls]
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}
