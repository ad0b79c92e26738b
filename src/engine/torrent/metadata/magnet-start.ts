// How a torrent begins with a magnet link (BEP 9): its metadata is looked for where it is remembered from an earlier run, and then
// among peers; then it is read. All that comes after is the torrent's business.
import { type Address, ipAddress, isIpv6, parseAddress } from '../../../base/address.ts'
import { FormatError, type PeerError } from '../../../base/errors.ts'
import { isCutOff } from '../../../platform/bound/sources.ts'
import { MAX_TORRENT_BYTES } from '../../../protocol/metainfo/limits.ts'
import type { Magnet } from '../../../protocol/metainfo/magnet.ts'
import { isMetadataOf, magnetMetainfo } from '../../../protocol/metainfo/magnet-metainfo.ts'
import type { Metainfo } from '../../../protocol/metainfo/metainfo.ts'
import type { Announcer, TrackerStatus } from '../../discovery/announcer.ts'
import type { MetadataStore } from '../../storage/metadata-store.ts'
import { causeSentence } from '../cause-sentence.ts'
import { MetadataStage } from './metadata-stage.ts'
import type { Swarm } from '../swarm.ts'
import type { Cause, FilePriorities } from '../torrent-api.ts'
import type { TorrentSurroundings } from '../torrent-surroundings.ts'

export interface MagnetStartOptions {
  readonly magnet: Magnet
  readonly peerId: Uint8Array
  /** Where it is remembered. */
  readonly store: MetadataStore
  readonly around: TorrentSurroundings
  readonly announcer: Announcer
  /** Whom the user named, by their keys. */
  readonly userPeers: ReadonlyMap<string, Address>
}

/** The torrent. Nothing is told after `end` and `close`, but for peers of the link. */
export interface MagnetStartOwner {
  /** The link names this peer. */
  onLinkPeer(address: Address): void
  onMetadata(metainfo: Metainfo, magnet: Magnet): void
  /** It is the one that the link means, and makes no sense. */
  onMetadataUnusable(error: FormatError): void
  onPeerDropped(address: string, error: PeerError): void
}

/** Fewer peers than this that have the metadata, and trackers are asked for more as soon as they allow. */
const FEW_OFFERING = 5
/** Peers that one link names, and IPs of each: whoever makes a link decides whom all its users dial. */
const MAX_LINK_PEERS = 20
const MAX_IPS = 4

export class MagnetStart {
  readonly stage: MetadataStage
  readonly #options: MagnetStartOptions
  readonly #owner: MagnetStartOwner
  #isAsking = false
  #isClosed = false

  constructor(options: MagnetStartOptions, owner: MagnetStartOwner) {
    const { magnet, peerId, store, around } = options
    this.#options = options
    this.#owner = owner
    this.stage = new MetadataStage(
      {
        infohash: magnet.infohashV1!,
        peerId,
        maxBytes: MAX_TORRENT_BYTES,
        verify: (bytes) => isMetadataOf(magnet, bytes),
        network: around.platform.network,
        budget: around.budget,
        memory: around.metadataMemory,
        listenPort: around.listenPort,
        localIp: around.localIp,
        usesPex: around.usesPex,
        dht: around.dht,
        now: () => around.platform.clock.now(),
      },
      {
        onMetadata: (metadata) => {
          void store.save(metadata)
          this.#read(metadata)
        },
        onPeerDropped: (address, error) => owner.onPeerDropped(address, error),
        onFault: (error) => around.log({ level: 'error', scope: 'peer', message: `Internal error: ${String(error)}` }),
        isOwnPeerId: (id) => around.isOwnPeerId(id),
      },
    )
  }

  /** Nothing is remembered: peers are asked. */
  get isAsking(): boolean {
    return this.#isAsking
  }

  /** Uses what an earlier run has left; where that is nothing, peers are needed. Never rejects. */
  async begin(): Promise<void> {
    const { magnet, store, around, announcer, userPeers } = this.#options
    for (const address of userPeers.values()) this.stage.addAddress(address, 'user')
    void this.#addLinkPeers()
    const remembered = await store.load()
    // Peers may have been quicker.
    if (this.#isClosed || this.stage.isFound) return
    if (remembered && isMetadataOf(magnet, remembered)) {
      this.stage.stopLooking()
      return this.#read(remembered)
    }
    this.#isAsking = true
    const now = around.platform.clock.now()
    announcer.start(now)
    this.tick(now)
    around.onReady()
  }

  /** Names are looked up one after the other: others have names to be looked up, too. */
  async #addLinkPeers(): Promise<void> {
    for (const peer of this.#options.magnet.peers.slice(0, MAX_LINK_PEERS)) {
      const address = parseAddress(peer)
      for (const found of address ? [address] : await lookUp(peer, this.#options.around)) this.#owner.onLinkPeer(found)
    }
  }

  tick(now: number): void {
    this.stage.tick(now)
    if (this.stage.isFound) return
    const { announcer } = this.#options
    if (this.stage.offering < FEW_OFFERING) announcer.wantMore(now)
    announcer.tick(now)
  }

  #read(metadata: Uint8Array): void {
    if (this.#isClosed) return
    const { magnet } = this.#options
    let metainfo: Metainfo
    try {
      metainfo = magnetMetainfo(magnet, metadata)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      return this.#owner.onMetadataUnusable(error)
    }
    if (metainfo.isPrivate) this.stage.becomePrivate()
    this.#owner.onMetadata(metainfo, magnet)
  }

  diagnose(trackers: readonly TrackerStatus[]): Cause[] {
    const { binding } = this.#options.around.platform.network
    if (binding && isCutOff(binding)) {
      const cause = { code: 'bind_gone' as const, bind: binding.name }
      return [{ ...cause, message: causeSentence(cause) }]
    }
    const figures = {
      code: 'fetching_metadata' as const,
      known: this.stage.book.census().known,
      connected: this.stage.connected().length,
      offering: this.stage.offering,
    }
    const refused = trackers.find(({ refusal }) => refusal !== null)
    const causes: Cause[] = [{ ...figures, message: causeSentence(figures) }]
    if (!refused || figures.connected > 0) return causes
    const refusal = { code: 'tracker_refused' as const, url: refused.url, answer: refused.refusal! }
    return [{ ...refusal, message: causeSentence(refusal) }, ...causes]
  }

  dropConnections(): void {
    for (const peer of this.stage.connected()) peer.close(null)
  }

  /** The torrent meets peers itself from now on: it goes on with these. */
  end(swarm: Swarm, isPrivate: boolean): void {
    this.#isClosed = true
    this.stage.handOver(swarm, isPrivate)
  }

  close(): void {
    this.#isClosed = true
    this.stage.close()
  }
}

/** BEP 53: what the link selects; undefined when that is nothing, or nothing that there is. */
export function selectedFiles({ selectOnly }: Magnet, { files }: Metainfo): FilePriorities | undefined {
  const selected = new Set(selectOnly?.filter((file) => files[file] && !files[file].isPad))
  if (selected.size === 0) return undefined
  return Object.fromEntries(files.map((_, file) => [file, selected.has(file) ? 'normal' : 'skip'] as const))
}

/** The addresses of `host:port`; none when the name cannot be found. */
async function lookUp(peer: string, { platform, localIp, log }: TorrentSurroundings): Promise<Address[]> {
  const [host, port] = peer.split(/:(?=\d+$)/)
  const family = localIp === undefined ? 'any' : isIpv6(localIp) ? 6 : 4
  try {
    const ips = await platform.network.lookup(host, family)
    return ips.slice(0, MAX_IPS).map((ip) => ipAddress(ip, Number(port)))
  } catch (error) {
    log({ level: 'info', scope: 'peer', message: `Cannot find peer ${host}: ${(error as Error).message}` })
    return []
  }
}
