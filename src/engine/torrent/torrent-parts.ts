// What a torrent is made of once its place on disk has been found, and how that is put together.
import { CLIENT_NAME } from '../../base/product.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { NORMAL_PRIORITY } from '../policy/startable-pieces.ts'
import { driveGone, isDriveGone } from '../storage/content-place.ts'
import {
  type ContentLayout,
  contentLayout,
  type ContentLocation,
  contentRoot,
  locationOf,
} from '../storage/content-layout.ts'
import { findNames } from '../storage/find-names.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import type { JournalKeeper } from '../storage/journal/journal-keeper.ts'
import type { Replayed } from '../storage/journal/journal-replay.ts'
import type { SettingsKeeper } from '../storage/settings-keeper.ts'
import type { TorrentSettings } from '../storage/torrent-settings.ts'
import { type BlockSource, Download, type DownloadOwner } from './download.ts'
import type { FileSelection } from './file-selection.ts'
import type { Peer } from './peer/peer.ts'
import { Swarm, type SwarmOwner } from './swarm.ts'
import type { TorrentOptions } from './torrent-api.ts'
import { openTorrentJournal } from './torrent-journal.ts'
import { openRecords, type RecordsOwner, type TorrentRecords } from './torrent-records.ts'
import type { TorrentInternals, TorrentSurroundings } from './torrent-surroundings.ts'
import { Upload, type UploadOwner } from './upload.ts'
import { WebSeeds, type WebSeedsOwner } from './web-seeds/web-seeds.ts'

export interface TorrentParts {
  readonly layout: ContentLayout
  readonly settings: SettingsKeeper
  /** Null: nothing is remembered. */
  readonly journal: JournalKeeper | null
  /** What earlier runs have left; null: nothing is known of it. */
  readonly known: Replayed | null
  readonly download: Download<BlockSource>
  readonly upload: Upload<Peer>
  readonly swarm: Swarm
  readonly webSeeds: WebSeeds
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
  /** Where the content is, as far as this program knows. */
  readonly location: ContentLocation
  /** What an earlier run of this program knew; it counts where nothing is remembered. */
  readonly earlier: TorrentSettings
  /** All data is to be looked at, whatever is remembered of it. */
  readonly isDistrusted: boolean
}

/** Who hears of what happens in each part. */
export interface PartsOwners {
  readonly records: RecordsOwner
  readonly download: DownloadOwner<BlockSource>
  readonly upload: UploadOwner
  readonly swarm: SwarmOwner
  readonly webSeeds: WebSeedsOwner
}

/** Rejects with StorageError when the disk refuses, with StateError when the same content is open elsewhere. */
export async function openParts(options: PartsOptions, owners: PartsOwners): Promise<TorrentParts> {
  const { metainfo, map, around, earlier, location } = options
  // Only what is the torrent's own, and all of it.
  const isWhole = options.options.layout === undefined && options.options.pieces === undefined
  const root = contentRoot(metainfo, location)
  const state = isWhole ? around.platform.state : null
  const records = await openRecords({ state, disk: around.platform.disk, metainfo, map, root, earlier }, owners.records)
  try {
    return await openWith(records, options, owners)
  } catch (error) {
    await records.folder?.close()
    throw error
  }
}

async function openWith(
  { root, folder, settings }: TorrentRecords,
  { metainfo, map, peerId, options, selection, around, downLimiter, upLimiter, isDistrusted }: PartsOptions,
  owners: PartsOwners,
): Promise<TorrentParts> {
  const { platform, ledger, cache } = around
  if (settings.isRemembered) selection.restore(settings.current.priorities)
  const layout = options.layout?.(map) ?? contentLayout(metainfo, map, locationOf(root), settings.current.names)
  const volume = await platform.disk.openVolume(layout.root)
  await findNames(layout, volume, settings, options.partNames ?? false)
  const paths = layout.files.map(({ path }) => path)
  if (!isDistrusted && (await isDriveGone(volume, settings.current.marks, paths))) throw driveGone(layout.root)
  await layout.places?.find(volume, (file) => selection.isSkipped(file))
  const opened = folder
    ? await openTorrentJournal({ platform, metainfo, map, layout, volume, folder, isDistrusted }, owners.records)
    : null
  const journal = opened?.keeper ?? null
  const below = (limit: number): number => platform.random.below(limit)
  const now = (): number => platform.clock.now()
  const download = new Download<BlockSource>(
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
  const source = { map, volume, spans: layout.spans, settled: () => layout.names?.settled() ?? Promise.resolve() }
  const upload = new Upload<Peer>(source, cache, upLimiter, now, owners.upload)
  const swarm = new Swarm(
    {
      infohash: metainfo.infohashV1!,
      peerId,
      map,
      download,
      upload,
      metadata: metainfo.infoBytes,
      usesPex: around.usesPex && !metainfo.isPrivate,
      dht: metainfo.isPrivate ? null : around.dht,
      downLimiter,
      network: platform.network,
      budget: around.budget,
      listenPort: around.listenPort,
      localIp: around.localIp,
      servesNobody: options.servesNobody ?? false,
      otherAskers: () => webSeeds.inUse,
      now,
      below,
    },
    owners.swarm,
  )
  const webSeeds = new WebSeeds(
    {
      named: options.useWebSeeds === false ? [] : (options.webSeeds ?? []),
      listed: options.useWebSeeds === false ? [] : metainfo.webSeeds,
      metainfo,
      map,
      download,
      downLimiter,
      network: platform.network,
      clock: platform.clock,
      userAgent: CLIENT_NAME.replace(' ', '/'),
      localIp: around.localIp,
      memory: platform.disk.slotCount * platform.disk.slotBytes,
      below,
      peers: () => swarm.connectedCount,
    },
    owners.webSeeds,
  )
  return { layout, settings, journal, known: opened?.known ?? null, download, upload, swarm, webSeeds }
}

function onlyThese(pieces: ReadonlySet<number>, pieceCount: number): Uint8Array {
  return Uint8Array.from({ length: pieceCount }, (_, piece) => (pieces.has(piece) ? NORMAL_PRIORITY : 0))
}
