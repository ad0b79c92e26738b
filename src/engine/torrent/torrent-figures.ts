// What a torrent looks like at a moment: what has passed and how fast, its pieces and its peers. Nothing is decided by it.
// Pure: time is an argument.
import { RateMeter } from '../../base/rate-meter.ts'
import { FlowWatch } from './flow-watch.ts'
import type { PeerInfo, TorrentState, TorrentStats } from './torrent-api.ts'
import type { TorrentContent } from './torrent-content.ts'
import type { TorrentParts } from './torrent-parts.ts'

export class TorrentFigures {
  /** How the content flowed in the last seconds. */
  readonly watch = new FlowWatch()
  /** Peers closed for wrong data. */
  banned = 0
  #totalSize = 0
  #pieceCount = 0
  readonly #downMeter = new RateMeter()
  readonly #upMeter = new RateMeter()
  #downloaded = 0
  #uploaded = 0

  /** Its metadata is there: until then it has no size. */
  know({ metainfo, map }: TorrentContent): void {
    this.#totalSize = metainfo.totalSize
    this.#pieceCount = map.pieceCount
  }

  onReceived(payloadBytes: number, now: number): void {
    this.#downloaded += payloadBytes
    this.#downMeter.add(payloadBytes, now)
  }

  onSent(payloadBytes: number, now: number): void {
    this.#uploaded += payloadBytes
    this.#upMeter.add(payloadBytes, now)
  }

  /** While it downloads, at each heartbeat. */
  tick({ download, swarm, webSeeds }: TorrentParts, now: number): void {
    if (!this.watch.isDue(now)) return
    const sample = {
      downRate: this.#downMeter.rate(now),
      isServed: webSeeds.isServing || [...swarm.connected()].some((peer) => peer.outstanding > 0 && !peer.isSnubbed),
      isMemoryShort: download.isStarved,
      pendingWrites: download.pendingWrites,
      diskAnswers: download.diskAnswers,
    }
    this.watch.sample(sample, now)
  }

  /**
   * @param parts null until the disk has been found
   * @param peers connected
   */
  stats(state: TorrentState, parts: TorrentParts | null, peers: number, now: number): TorrentStats {
    return {
      state,
      downloaded: this.#downloaded,
      uploaded: this.#uploaded,
      left: parts ? parts.download.bytesLeft : this.#totalSize,
      wanted: parts ? parts.download.wantedBytes : this.#totalSize,
      total: this.#totalSize,
      downRate: this.#downMeter.rate(now),
      upRate: this.#upMeter.rate(now),
      peers,
      webSeeds: parts?.webSeeds.inUse.filter(({ outstanding }) => outstanding > 0).length ?? 0,
      piecesHave: parts?.download.have.count ?? 0,
      pieces: this.#pieceCount,
    }
  }

  /** One byte a piece: 0 missing, 1 under way, 2 had. */
  pieceStates(parts: TorrentParts | null): Uint8Array {
    const states = new Uint8Array(this.#pieceCount)
    if (!parts) return states
    parts.download.have.forEachSet((piece) => (states[piece] = 2))
    for (const piece of parts.download.underWay()) states[piece] = 1
    return states
  }

  /** The connected peers. */
  peers(parts: TorrentParts | null): PeerInfo[] {
    return [...(parts?.swarm.connected() ?? [])].map((peer) => ({
      address: peer.key,
      client: peer.client,
      isIncoming: peer.isIncoming,
      downRate: peer.downRate,
      upRate: peer.upRate,
      pieces: peer.have.count,
      isChokingUs: peer.isChokingUs,
      isChoked: !peer.isUnchoked,
    }))
  }
}
