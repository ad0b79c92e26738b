// What a torrent is made of once its place on disk has been found, and how that is put together.
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { NORMAL_PRIORITY } from '../policy/startable-pieces.ts'
import { type ContentLayout, contentLayout } from '../storage/content-layout.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import type { JournalKeeper } from '../storage/journal/journal-keeper.ts'
import type { Replayed } from '../storage/journal/journal-replay.ts'
import { Download, type DownloadOwner } from './download.ts'
import type { FileSelection } from './file-selection.ts'
import type { Peer } from './peer.ts'
import { Swarm, type SwarmOwner } from './swarm.ts'
import type { TorrentOptions } from './torrent-api.ts'
import { type JournalOwner, openTorrentJournal } from './torrent-journal.ts'
import type { TorrentInternals, TorrentSurroundings } from './torrent-surroundings.ts'
import { Upload, type UploadOwner } from './upload.ts'

export interface TorrentParts {
  readonly layout: ContentLayout
  /** Null: nothing is remembered. */
  readonly journal: JournalKeeper | null
  /** What earlier runs have left; null: nothing is known of it. */
  readonly known: Replayed | null
  readonly download: Download<Peer>
  readonly upload: Upload<Peer>
  readonly swarm: Swarm
}

export interface PartsOptions {
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly peerId: Uint8Array
  readonly options: TorrentOptions & TorrentInternals
  readonly selection: FileSelection
  readonly around: TorrentSurroundings
  /** The torrent's own limits, within those of the session. */
  readonly downLimiter: RateLimiter
  readonly upLimiter: RateLimiter
}

/** Who hears of what happens in each part. */
export interface PartsOwners {
  readonly journal: JournalOwner
  readonly download: DownloadOwner<Peer>
  readonly upload: UploadOwner
  readonly swarm: SwarmOwner
}

/** Rejects with StorageError when the disk refuses, with StateError when the same content is open elsewhere. */
export async function openParts(
  { metainfo, map, peerId, options, selection, around, downLimiter, upLimiter }: PartsOptions,
  owners: PartsOwners,
): Promise<TorrentParts> {
  const { platform, ledger, cache } = around
  const layout = options.layout?.(map) ?? contentLayout(metainfo, map, options)
  const volume = await platform.disk.openVolume(layout.root)
  await layout.places?.find(volume, (file) => selection.isSkipped(file))
  // Only what is the torrent's own, and all of it.
  const isWhole = options.layout === undefined && options.pieces === undefined
  const opened = isWhole ? await openTorrentJournal({ platform, metainfo, map, layout, volume }, owners.journal) : null
  const journal = opened?.keeper ?? null
  const below = (limit: number): number => platform.random.below(limit)
  const now = (): number => platform.clock.now()
  const download = new Download<Peer>(
    {
      map,
      layout,
      volume,
      disk: platform.disk,
      ledger,
      pieceHashes: metainfo.pieceHashes!,
      below,
      journal,
      priorities: options.pieces ? onlyThese(options.pieces, map.pieceCount) : selection.piecePriorities(),
    },
    owners.download,
  )
  const source = { map, volume, spans: layout.spans }
  const upload = new Upload<Peer>(source, cache, upLimiter, now, owners.upload)
  const swarm = new Swarm(
    {
      infohash: metainfo.infohashV1!,
      peerId,
      map,
      download,
      upload,
      downLimiter,
      network: platform.network,
      budget: around.budget,
      listenPort: around.listenPort,
      localIp: around.localIp,
      servesNobody: options.servesNobody ?? false,
      now,
      below,
    },
    owners.swarm,
  )
  return { layout, journal, known: opened?.known ?? null, download, upload, swarm }
}

function onlyThese(pieces: ReadonlySet<number>, pieceCount: number): Uint8Array {
  return Uint8Array.from({ length: pieceCount }, (_, piece) => (pieces.has(piece) ? NORMAL_PRIORITY : 0))
}
