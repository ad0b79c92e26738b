// A torrent from a magnet link: the info dictionary that peers have handed over (BEP 9), and what the link says around it.
import { equalBytes } from '../../base/bytes.ts'
import { sha1, sha256 } from '../../base/digest.ts'
import { FormatError } from '../../base/errors.ts'
import { parseInfoDict } from './info-dict.ts'
import type { Magnet } from './magnet.ts'
import type { Metainfo } from './metainfo.ts'

/** Are these the info bytes that the link means? Where it has both infohashes, both must be right. */
export function isMetadataOf({ infohashV1, infohashV2 }: Magnet, infoBytes: Uint8Array): boolean {
  if (infohashV1 !== null && !equalBytes(sha1(infoBytes), infohashV1)) return false
  return infohashV2 === null || equalBytes(sha256(infoBytes), infohashV2)
}

/**
 * @param infoBytes those that the link means; they must stay as they are
 * Throws FormatError with the codes of `parseTorrent`, and `v2_only`. Layers of v2 hashes are not known from a link: of a hybrid
 * torrent there are none.
 */
export function magnetMetainfo(magnet: Magnet, infoBytes: Uint8Array): Metainfo {
  const info = parseInfoDict(infoBytes)
  if (info.infohashV1 === null) throw v2Only(info.name)
  return {
    ...info,
    pieceLayers: info.infohashV2 === null ? null : new Map(),
    trackers: magnetTiers(magnet),
    // That of a folder names the folder's parent, as a folder (BEP 19).
    webSeeds: magnet.webSeeds.map((url) => (info.isSingleFile || url.endsWith('/') ? url : `${url}/`)),
    httpSeeds: [],
    nodes: magnet.nodes,
    comment: null,
    createdBy: null,
    creationDate: null,
  }
}

/** Each tracker of a link is a tier of its own. */
export function magnetTiers({ trackers }: Magnet): string[][] {
  return trackers.map((url) => [url])
}

export function v2Only(name: string): FormatError {
  return new FormatError('v2_only', `Cannot download ${name}: BitTorrent v2 alone is not supported yet`)
}
