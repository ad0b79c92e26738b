// What is known of a torrent once its metadata is there: its files and pieces, and which of them are wanted.
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { FileSelection } from './file-selection.ts'
import type { FilePriorities } from './torrent-api.ts'

export class TorrentContent {
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly selection: FileSelection

  /**
   * @param files see `TorrentOptions.files`. Throws TypeError for a file or a priority that there is not.
   * @param proposed what a link selects
   */
  constructor(metainfo: Metainfo, files: FilePriorities | undefined, proposed?: FilePriorities) {
    this.metainfo = metainfo
    this.map = new PieceMap(metainfo)
    this.selection = new FileSelection(metainfo, this.map, files, proposed)
  }
}
