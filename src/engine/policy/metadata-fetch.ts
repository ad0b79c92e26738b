// Gets a torrent's metadata from several peers (BEP 9): whom to ask for which part, and what to believe.
//
// What it weighs:
// - Nothing is proven before all of it is here and its hash is right. So each claimed size is pursued by itself, beside the others:
//   a lie costs nobody time but its believers, and when the right one is known all who claimed another size have lied.
// - Peers of one size share the work at first, since nearly always all are honest. When that comes out wrong, nobody knows who lied:
//   from then on each copy comes from one peer alone, a few side by side. A wrong one convicts its sender, and the right one those
//   who sent something else before.
// - Whoever does not answer is waited for beside others, and asked no more for a while; so is who refuses.
// - Memory is bounded over all copies: where it runs out, the copy with the fewest believers goes.
// Pure: time is an argument, in milliseconds; the caller sends the requests, and closes the guilty.
import { PeerError } from '../../base/errors.ts'
import { MetadataCopy } from './metadata-copy.ts'
import { MetadataSource } from './metadata-source.ts'

export interface MetadataFetchOptions {
  /** Bytes of a part. */
  readonly partBytes: number
  /** Larger metadata is not believed in. */
  readonly maxBytes: number
  /** Are these bytes the ones that are looked for? */
  readonly verify: (bytes: Uint8Array) => boolean
}

export interface PartRequest<Peer> {
  readonly peer: Peer
  readonly part: number
}

/** A peer that has lied, and how. */
export interface Liar<Peer> {
  readonly peer: Peer
  readonly error: PeerError
}

export interface FetchOutcome<Peer> {
  /** The right one; null as long as it is not here. */
  readonly metadata: Uint8Array | null
  readonly liars: readonly Liar<Peer>[]
}

/** Claims of one size. */
interface Claim<Peer> {
  readonly sources: Set<MetadataSource<Peer>>
  /** What all of them work at; null once that came out wrong. */
  shared: MetadataCopy<Peer> | null
  /** The last one that came out wrong. */
  failed: MetadataCopy<Peer> | null
}

/** Requests under way with one peer. */
const WINDOW = 8
/** Copies of one size that are made side by side, each from one peer. */
const MAX_SOLO = 3
/** Copies that are kept without anybody who would go on with them. */
const MAX_ORPHANS = 4
/** Bytes of unproven copies, beyond the largest that may be right. */
const SPARE_BYTES = 16 << 20
const NOTHING = { metadata: null, liars: [] }

export class MetadataFetch<Peer> {
  readonly #options: MetadataFetchOptions
  readonly #sources = new Map<Peer, MetadataSource<Peer>>()
  readonly #claims = new Map<number, Claim<Peer>>()
  #isDone = false

  constructor(options: MetadataFetchOptions) {
    this.#options = options
  }

  /** Peers that say they have it, and may give it. */
  get sourceCount(): number {
    return [...this.#sources.values()].filter(({ mayGive }) => mayGive).length
  }

  /** Does the peer say that it has it? Not any more when it had its turns, and gave nothing. */
  mayGive(peer: Peer): boolean {
    return this.#sources.get(peer)?.mayGive ?? false
  }

  /** The size that most peers claim, in bytes, and how much of that is here; null when nobody has had it. */
  progress(): { readonly done: number; readonly total: number } | null {
    const [first] = [...this.#claims].toSorted(([, a], [, b]) => b.sources.size - a.sources.size)
    if (!first) return null
    const [total, claim] = first
    return { done: Math.max(0, ...copiesOf(claim).map(({ held }) => held)), total }
  }

  /**
   * The peer has metadata of so many bytes, by its own word. Throws PeerError `metadata_too_large`.
   * @param window requests that it may have under way
   */
  offer(peer: Peer, size: number, window = WINDOW): void {
    if (this.#isDone || this.#sources.get(peer)?.size === size) return
    this.leave(peer)
    if (size > this.#options.maxBytes)
      throw new PeerError('metadata_too_large', `The peer claims metadata of ${size} bytes`)
    let claim = this.#claims.get(size)
    if (!claim) {
      claim = { sources: new Set(), shared: new MetadataCopy(size, this.#options.partBytes), failed: null }
      this.#claims.set(size, claim)
    }
    const source = new MetadataSource(peer, size, claim.shared, window)
    claim.sources.add(source)
    this.#sources.set(peer, source)
  }

  /** The peer is gone. What it sent stays, for others to go on with. */
  leave(peer: Peer): void {
    const source = this.#sources.get(peer)
    if (!source) return
    source.release()
    this.#sources.delete(peer)
    const claim = this.#claims.get(source.size)!
    claim.sources.delete(source)
    if (claim.sources.size > 0) return
    if (claim.shared === null || claim.shared.held === 0) this.#claims.delete(source.size)
    else this.#keepFewOrphans()
  }

  /** What came from somebody who has left is gone on with when one of the same size comes: it was all that there was, perhaps. */
  #keepFewOrphans(): void {
    const orphans = [...this.#claims].filter(([, { sources }]) => sources.size === 0)
    for (const [size] of orphans.slice(0, -MAX_ORPHANS)) this.#claims.delete(size)
  }

  /** What to ask for now; it counts as asked. To be called after each event, and now and then. */
  requests(now: number): PartRequest<Peer>[] {
    const requests: PartRequest<Peer>[] = []
    if (this.#isDone) return requests
    let idle = [...this.#sources.values()].filter((source) => {
      if (source.noticeOverdue(now)) this.#passOn(source)
      return !source.isPaused(now)
    })
    // One each, until nobody has room: the work is spread, and who came first is not the only one asked.
    while (idle.length > 0) {
      idle = idle.filter((source) => {
        source.copy ??= this.#soloCopy(source)
        const part = source.nextPart()
        if (part < 0) return false
        source.ask(part, now)
        requests.push({ peer: source.peer, part })
        return true
      })
    }
    return requests
  }

  /** Is the peer asked for this part, or has been, and not answered yet? */
  isAsked(peer: Peer, part: number): boolean {
    return this.#sources.get(peer)?.isAsked(part) ?? false
  }

  /** @param totalSize bytes of the whole, as the message says; null when it does not. What was not asked for is passed over. */
  onPart(peer: Peer, part: number, totalSize: number | null, bytes: Uint8Array): FetchOutcome<Peer> {
    const source = this.#sources.get(peer)
    if (this.#isDone || !source?.copy || !source.isAsked(part)) return NOTHING
    const { copy, size } = source
    if (bytes.length !== copy.lengthOf(part) || (totalSize !== null && totalSize !== size)) {
      const message = `Part ${part} of its metadata has ${bytes.length} bytes (of ${totalSize}), having claimed ${size}`
      return this.#convict([{ peer, error: new PeerError('metadata_size', message) }])
    }
    source.onGiven(part)
    copy.put(part, bytes, peer)
    if (copy.isComplete) return this.#judge(copy)
    this.#keepBudget(copy)
    return NOTHING
  }

  /** The peer does not give this part. */
  onReject(peer: Peer, part: number, now: number): void {
    const source = this.#sources.get(peer)
    if (source?.isAsked(part) && source.onRefused(part, now)) this.#passOn(source)
  }

  /** Nobody is asked any more, and nothing is kept. */
  stop(): void {
    this.#isDone = true
    this.#sources.clear()
    this.#claims.clear()
  }

  /** Bytes of all copies. */
  get held(): number {
    return this.#copies().reduce((sum, { copy }) => sum + copy.held, 0)
  }

  /** Bytes of the largest copy; 0: there is none. */
  get largest(): number {
    return Math.max(0, ...this.#copies().map(({ copy }) => copy.held))
  }

  /** Memory is short beyond this fetch: what the largest copy has is fetched anew. */
  giveUpLargest(): void {
    const [largest] = this.#copies().toSorted((a, b) => b.copy.held - a.copy.held)
    if (largest) this.#giveUp(largest.claim, largest.copy)
  }

  // ---------------------------------------------------------------- asking

  /** It is left alone for a while: one who works alone gives its turn to others. */
  #passOn(source: MetadataSource<Peer>): void {
    if (this.#claims.get(source.size)!.shared !== null) return
    source.release()
    source.copy = null
  }

  /** Null: not yet. */
  #soloCopy({ size }: MetadataSource<Peer>): MetadataCopy<Peer> | null {
    const { sources } = this.#claims.get(size)!
    const busy = [...sources].filter((source) => source.copy !== null).length
    return busy < MAX_SOLO ? new MetadataCopy(size, this.#options.partBytes) : null
  }

  // ---------------------------------------------------------------- believing

  #judge(copy: MetadataCopy<Peer>): FetchOutcome<Peer> {
    const metadata = copy.whole()
    if (this.#options.verify(metadata)) return this.#succeed(metadata)
    const claim = this.#claims.get(copy.size)!
    const senders = copy.senders()
    if (senders.size === 1) {
      const [peer] = senders
      // The only one whose work it was: others of this size begin anew.
      if (claim.shared === copy) this.#startOver(claim)
      return this.#convict([{ peer, error: corrupt() }])
    }
    claim.failed = copy
    claim.shared = null
    for (const source of claim.sources) {
      source.release()
      source.copy = null
    }
    return NOTHING
  }

  #startOver(claim: Claim<Peer>): void {
    const copy = new MetadataCopy<Peer>(claim.shared!.size, this.#options.partBytes)
    claim.shared = copy
    for (const source of claim.sources) {
      source.release()
      source.copy = copy
    }
  }

  #succeed(metadata: Uint8Array): FetchOutcome<Peer> {
    const liars = new Map<Peer, PeerError>()
    for (const [size, { sources, failed }] of this.#claims) {
      if (size === metadata.length) {
        for (const peer of failed?.liars(metadata) ?? []) liars.set(peer, corrupt())
        continue
      }
      const message = `The peer claimed metadata of ${size} bytes, and it has ${metadata.length}`
      for (const { peer } of sources) liars.set(peer, new PeerError('metadata_size', message))
    }
    this.stop()
    return { metadata, liars: [...liars].map(([peer, error]) => ({ peer, error })) }
  }

  #convict(liars: readonly Liar<Peer>[]): FetchOutcome<Peer> {
    for (const { peer } of liars) {
      const { size } = this.#sources.get(peer)!
      this.leave(peer)
      // Nobody goes on with what only a liar has sent.
      if (this.#claims.get(size)?.sources.size === 0) this.#claims.delete(size)
    }
    return { metadata: null, liars }
  }

  // ---------------------------------------------------------------- memory

  /** @param growing not to be given up for its own sake, if there is another */
  #keepBudget(growing: MetadataCopy<Peer>): void {
    const copies = this.#copies()
    let held = copies.reduce((sum, { copy }) => sum + copy.held, 0)
    const worstFirst = copies.toSorted(
      (a, b) =>
        Number(b.copy === b.claim.failed) - Number(a.copy === a.claim.failed) ||
        a.claim.sources.size - b.claim.sources.size ||
        Number(a.copy === growing) - Number(b.copy === growing) ||
        b.copy.held - a.copy.held,
    )
    for (const { claim, copy } of worstFirst) {
      if (held <= this.#options.maxBytes + SPARE_BYTES) return
      held -= copy.held
      this.#giveUp(claim, copy)
    }
  }

  #copies(): { readonly claim: Claim<Peer>; readonly copy: MetadataCopy<Peer> }[] {
    return [...this.#claims.values()].flatMap((claim) => copiesOf(claim).map((copy) => ({ claim, copy })))
  }

  #giveUp(claim: Claim<Peer>, copy: MetadataCopy<Peer>): void {
    if (claim.failed === copy) claim.failed = null
    else if (claim.sources.size === 0) this.#claims.delete(copy.size)
    else if (claim.shared === copy) this.#startOver(claim)
    else {
      for (const source of claim.sources) {
        if (source.copy !== copy) continue
        source.release()
        source.copy = null
      }
    }
  }
}

function copiesOf<Peer>({ shared, failed, sources }: Claim<Peer>): MetadataCopy<Peer>[] {
  const copies = [shared, failed, ...[...sources].map(({ copy }) => copy)]
  return [...new Set(copies.filter((copy) => copy !== null))]
}

function corrupt(): PeerError {
  return new PeerError('corrupt_metadata', 'The peer sent metadata that is not what the infohash asks for')
}
