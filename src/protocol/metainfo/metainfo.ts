// What a .torrent file says, checked and cleaned (BEP 3, 12, 19, 27, 47, 52).
// The types only; `torrent-file.ts` reads them from bytes.

export interface Metainfo {
  /** SHA-1 of the raw info bytes; null for a v2-only torrent. */
  readonly infohashV1: Uint8Array | null
  /** SHA-256 of the raw info bytes; null for a v1-only torrent. */
  readonly infohashV2: Uint8Array | null
  /** The info dictionary exactly as it stood in the file: what is hashed, and what is served to others. */
  readonly infoBytes: Uint8Array
  /** As in the torrent. */
  readonly name: string
  /** After clean-up: the file or folder below the download folder. */
  readonly savedName: string
  /** Bytes. */
  readonly pieceLength: number
  /** Bytes of all files, pad files included: the length of the v1 byte stream. */
  readonly totalSize: number
  /** In the order of the v1 byte stream (v2-only: of the file tree). */
  readonly files: readonly TorrentFile[]
  /** True when the torrent is one file, saved as `savedName` itself, not a folder. */
  readonly isSingleFile: boolean
  /** SHA-1 of each v1 piece, 20 bytes each; null for v2-only. */
  readonly pieceHashes: Uint8Array | null
  /** BEP 52: file root (hex) -> layer of piece hashes, 32 bytes each; null for v1-only. */
  readonly pieceLayers: ReadonlyMap<string, Uint8Array> | null
  readonly isPrivate: boolean
  /** Tiers of tracker URLs (BEP 12), duplicates and empty ones removed. */
  readonly trackers: readonly (readonly string[])[]
  /** BEP 19. */
  readonly webSeeds: readonly string[]
  /** BEP 17. */
  readonly httpSeeds: readonly string[]
  /** BEP 5 nodes, `host:port`. */
  readonly nodes: readonly string[]
  readonly comment: string | null
  readonly createdBy: string | null
  /** Unix seconds. */
  readonly creationDate: number | null
  readonly source: string | null
}

export interface TorrentFile {
  /** Path elements below the name, as in the torrent (`hex:...` for an element that is not UTF-8). Empty for a single file. */
  readonly path: readonly string[]
  /** Path elements below the download folder after clean-up, the top folder included. No two files share one. */
  readonly savedAs: readonly string[]
  /** Bytes. */
  readonly length: number
  /** First byte in the v1 byte stream. */
  readonly offset: number
  /** BEP 47 pad file: zeros, never written. */
  readonly isPad: boolean
  readonly isExecutable: boolean
  readonly isHidden: boolean
  /** BEP 47 symlink: its target after clean-up, as path elements below the top folder (empty: leads nowhere); null for a file. */
  readonly symlinkTarget: readonly string[] | null
  /** BEP 52 merkle root, 32 bytes; null for v1, and for empty files. */
  readonly piecesRoot: Uint8Array | null
}
