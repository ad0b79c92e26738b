import { type Magnet, parseMagnet } from '../../protocol/metainfo/magnet.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'

/** What a torrent begins with. Throws FormatError for what is no torrent or no link. */
export function readSource(torrent: Uint8Array | Metainfo | string): Metainfo | Magnet {
  if (typeof torrent === 'string') return parseMagnet(torrent)
  return torrent instanceof Uint8Array ? parseTorrent(torrent) : torrent
}
