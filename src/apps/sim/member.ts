// One member of a simulated swarm: a machine, the real session on it, and what becomes of its torrent.
import { Session } from '../../engine/session/session.ts'
import type { SessionOptions } from '../../engine/session/settings.ts'
import type { TorrentEvents, TorrentOptions } from '../../engine/torrent/torrent-api.ts'
import type { TorrentInternals } from '../../engine/torrent/torrent-surroundings.ts'
import type { Torrent } from '../../engine/torrent/torrent.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { NodeOptions, SimNode } from '../../sim/index.ts'

/** Where every member keeps the content. */
export const CONTENT_FOLDER = '/data'
export const PEER_PORT = 6881

export interface MemberOptions {
  /** What the chart and the figures call it and its like. Default 'leechers' or 'seeds'. */
  readonly group?: string
  /** When its session opens. Default: now. */
  readonly joinsAtMs?: number
  /** What differs from the world's usual line and disk. */
  readonly line?: NodeOptions
  readonly session?: SessionOptions
  readonly torrent?: Partial<TorrentOptions & TorrentInternals>
  /** Whether `untilAllDone` waits for it. Default true. */
  readonly mustComplete?: boolean
}

/** @internal What a member tells the world. */
export interface MemberOwner {
  readonly metainfo: Metainfo
  readonly nowMs: number
  onDone(member: Member): void
  onError(error: unknown): void
}

export class Member {
  readonly node: SimNode
  readonly group: string
  readonly joinsAtMs: number
  readonly mustComplete: boolean
  /** Virtual time at which it had everything; null: not yet. */
  completedAtMs: number | null = null
  leftAtMs: number | null = null
  /** Peers that it has closed for what they did. */
  readonly dropped: TorrentEvents['peerDropped'][] = []
  readonly #options: MemberOptions
  readonly #owner: MemberOwner
  #session: Session | null = null
  #torrent: Torrent | null = null

  constructor(node: SimNode, group: string, options: MemberOptions, owner: MemberOwner) {
    this.node = node
    this.group = group
    this.joinsAtMs = options.joinsAtMs ?? owner.nowMs
    this.mustComplete = options.mustComplete ?? true
    this.#options = options
    this.#owner = owner
  }

  /** `10.0.0.1:6881`, as others know it. */
  get address(): string {
    return `${this.node.ip}:${PEER_PORT}`
  }

  /** It has opened its session, and not left. */
  get isHere(): boolean {
    return this.#torrent !== null && this.leftAtMs === null
  }

  /** Throws before it has joined. */
  get session(): Session {
    if (!this.#session) throw new TypeError(`${this.address} has not joined`)
    return this.#session
  }

  /** Throws before it has joined. */
  get torrent(): Torrent {
    if (!this.#torrent) throw new TypeError(`${this.address} has not joined`)
    return this.#torrent
  }

  /** Payload bytes received. */
  get downloaded(): number {
    return this.#torrent?.stats().downloaded ?? 0
  }

  /** Payload bytes sent. */
  get uploaded(): number {
    return this.#torrent?.stats().uploaded ?? 0
  }

  /** Payload bytes received beyond the content: for one that has completed, and had nothing at the start. */
  get wasted(): number {
    return this.downloaded - this.#owner.metainfo.totalSize
  }

  /** Verified part of the content, 0 to 1. */
  get progress(): number {
    if (!this.#torrent) return 0
    const { left, total } = this.#torrent.stats()
    return 1 - left / total
  }

  /** Opens the session, now. The world calls it when the time has come; scenarios do after a `node.restart()`. */
  async join(): Promise<void> {
    try {
      const { session = {}, torrent = {} } = this.#options
      // Peers hear of each other from trackers alone, as in the model that the figures are compared with.
      this.#session = await Session.open({ port: PEER_PORT, usePex: false, ...session }, this.node.platform)
      this.#torrent = this.#session.add(this.#owner.metainfo, { path: CONTENT_FOLDER, ...torrent })
      this.#torrent.on('peerDropped', (drop) => this.dropped.push(drop))
      this.#torrent.on('done', () => {
        // After a restart it may complete a second time.
        if (this.completedAtMs !== null) return
        this.completedAtMs = this.#owner.nowMs
        this.#owner.onDone(this)
      })
    } catch (error) {
      this.#owner.onError(error)
    }
  }

  /** Closes its session in good order. Resolves while time passes. */
  async leave(): Promise<void> {
    this.leftAtMs ??= this.#owner.nowMs
    await this.#session?.close()
  }
}
