export { choosePieceLength, encodeTorrent, type NewFile, type NewTorrent } from './create.ts'
export { parseInfoDict, type InfoDict } from './info-dict.ts'
export { encodeMagnet, parseMagnet, type Magnet } from './magnet.ts'
export { isMetadataOf, magnetMetainfo } from './magnet-metainfo.ts'
export { fileTree, merkleRoot, rootOfPieceLayer, zeroSubtreeRoot } from './merkle.ts'
export type { Metainfo, TorrentFile } from './metainfo.ts'
export { BLOCK_BYTES, PieceMap, type FileRun } from './piece-map.ts'
export { savedName, savedPaths, type PathToSave, type SavedPaths } from './saved-paths.ts'
export {
  describeMagnet,
  describeTorrent,
  type FileFacts,
  type TorrentFacts,
  type V2FileFacts,
} from './torrent-facts.ts'
export { parseTorrent } from './torrent-file.ts'
export { webSeedFileUrl } from './web-seed-url.ts'
