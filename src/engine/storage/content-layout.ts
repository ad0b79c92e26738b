// Where a torrent's bytes lie on disk: the only place that joins paths.
import { toHex } from '../../base/bytes.ts'
import type { FileSpan } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { FileNames, type NewNames } from './file-names.ts'
import { FilePlaces } from './file-places.ts'

export interface ContentLocation {
  /** The folder that holds the torrent's file or top folder. */
  readonly path: string
  /** The file's or top folder's name there, where it differs from the torrent's. */
  readonly name?: string
}

export interface ContentLayout {
  /** Where a part of a piece lies, in order. Pad files (BEP 47) are spans without a path: zeros that are stored nowhere. */
  readonly spans: (piece: number, begin: number, length: number) => FileSpan[]
  /** By the torrent's index of each file; empty for pad files, which are stored nowhere. They change as files are renamed. */
  readonly paths: readonly string[]
  /** All files with their lengths, empty ones too; without pad files and symlinks. Not for each tick. */
  readonly files: readonly { readonly path: string; readonly length: number }[]
  /** The file or folder that holds all of it: for what is remembered, the place. */
  readonly root: string
  /** The same as it is called on disk: a torrent's one file may be called NAME.part. */
  readonly top: string
  /** Where the bytes of skipped files are. Null: there are none. */
  readonly places: FilePlaces | null
  /** What files are called. Null: as `paths` says, for good. */
  readonly names: FileNames | null
}

/** The file or folder that holds all of the content. */
export function contentRoot(metainfo: Metainfo, location: ContentLocation): string {
  const name = location.name ?? metainfo.savedName
  const folder = location.path.replace(/(?<=.)[/\\]+$/, '')
  return [folder === '/' ? '' : folder, name].join('/')
}

/** The other way round. */
export function locationOf(root: string): Required<ContentLocation> {
  const at = Math.max(root.lastIndexOf('/'), root.lastIndexOf('\\'))
  return { path: root.slice(0, at) || '/', name: root.slice(at + 1) }
}

/** @param newNames of files that somebody has renamed: elements below the torrent's folder */
export function contentLayout(
  metainfo: Metainfo,
  map: PieceMap,
  location: ContentLocation,
  newNames?: NewNames,
): ContentLayout {
  const root = contentRoot(metainfo, location)
  const names = new FileNames(metainfo, root, newNames)
  const { paths } = names
  const infohash = metainfo.infohashV1 ?? metainfo.infohashV2!
  const places = metainfo.isSingleFile
    ? null
    : new FilePlaces({ map, paths, partsPath: `${root}/.${toHex(infohash)}.parts` })
  return {
    root,
    paths,
    get top() {
      return metainfo.isSingleFile ? paths[0] : root
    },
    places,
    names,
    get files() {
      return metainfo.files.flatMap((file, i) =>
        file.isPad || file.symlinkTarget ? [] : [{ path: paths[i], length: file.length }],
      )
    },
    spans: (piece, begin, length) => {
      let at = begin
      return map.filesOf(piece, begin, length).map((run) => {
        const span = places?.span(run, piece, at) ?? { path: paths[run.file], offset: run.offset, length: run.length }
        at += run.length
        return span
      })
    },
  }
}

/** One piece alone, in a file of its own. */
export function singlePieceLayout(map: PieceMap, piece: number, file: string): ContentLayout {
  return {
    root: file,
    top: file,
    places: null,
    names: null,
    paths: [file],
    files: [{ path: file, length: map.pieceLength(piece) }],
    spans: (_piece, begin, length) => [{ path: file, offset: begin, length }],
  }
}
