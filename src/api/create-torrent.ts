// Makes a v1 torrent of a file or folder: walks it, hashes its pieces off the main thread, and encodes the result.
import { availableParallelism } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { concatBytes } from '../base/bytes.ts'
import { StorageError } from '../base/errors.ts'
import { hashPieces } from '../platform/node/hash-pieces.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import { type FolderFile, walkFolder } from '../platform/node/walk-folder.ts'
import { choosePieceLength, encodeTorrent, PieceMap } from '../protocol/metainfo/index.ts'
import type { WorkOptions } from './work-options.ts'

export interface CreateOptions extends WorkOptions {
  /** URLs by tier (BEP 12). Default: none. */
  readonly trackers?: readonly (readonly string[])[]
  /** Bytes; at least 16,384. Default: by size, for some 1,000 to 2,000 pieces. */
  readonly pieceLength?: number
  /** BEP 27. Default false. */
  readonly isPrivate?: boolean
  /** BEP 19 URLs. */
  readonly webSeeds?: readonly string[]
  readonly comment?: string
  /** Sets the torrent apart from others of the same content. */
  readonly source?: string
  readonly createdBy?: string
  /** Unix seconds. */
  readonly creationDate?: number
}

/**
 * The bytes of a .torrent file for the file or folder at `path`, with which of the files may be executed. Symbolic links are left
 * out. Progress is in bytes.
 * Rejects with StorageError when something cannot be read or changes meanwhile, with RangeError or TypeError for a bad option.
 */
export async function createTorrent(path: string, options: CreateOptions = {}): Promise<Uint8Array> {
  const root = resolve(path)
  const files = await walkFolder(root)
  const totalSize = files.reduce((sum, file) => sum + file.length, 0)
  if (totalSize === 0) throw new StorageError('empty', `Cannot make a torrent of ${path}: it holds no data`, root)
  const pieceLength = options.pieceLength ?? choosePieceLength(totalSize)
  if (!Number.isSafeInteger(pieceLength) || pieceLength < 16_384)
    throw new RangeError(`Cannot make torrent: a piece length of ${pieceLength} is below 16384 bytes`)
  const { workers: _workers, onProgress: _onProgress, signal: _signal, ...description } = options
  return encodeTorrent({
    ...description,
    name: basename(root),
    ...(files[0].path.length === 0 ? { content: totalSize, isExecutable: files[0].isExecutable } : { content: files }),
    pieceLength,
    pieceHashes: await hashFiles(root, files, pieceLength, options),
  })
}

async function hashFiles(
  root: string,
  files: readonly FolderFile[],
  pieceLength: number,
  { workers = availableParallelism(), onProgress, signal }: WorkOptions,
): Promise<Uint8Array> {
  const map = mapOf(files, pieceLength)
  const paths = files.map((file) => join(root, ...file.path))
  const spansOf = (piece: number): { path: string; offset: number; length: number }[] =>
    map
      .filesOf(piece, 0, map.pieceLength(piece))
      .map((run) => ({ path: paths[run.file], offset: run.offset, length: run.length }))
  const { disk } = createNodePlatform({ workers })
  try {
    const volume = await disk.openVolume(root)
    const digests = await hashPieces(volume, map.pieceCount, spansOf, {
      ...(signal ? { signal } : {}),
      onPiece: (piece, digest) => {
        if (!digest)
          throw new StorageError('changed', `Cannot make a torrent of ${root}: it became shorter meanwhile`, root)
        onProgress?.({ done: Math.min(map.totalSize, (piece + 1) * pieceLength), total: map.totalSize })
      },
    })
    return concatBytes(digests as Uint8Array[])
  } finally {
    await disk.close()
  }
}

function mapOf(files: readonly FolderFile[], pieceLength: number): PieceMap {
  let offset = 0
  const laidOut = files.map((file) => {
    const start = offset
    offset += file.length
    return { length: file.length, offset: start }
  })
  return new PieceMap({ pieceLength, totalSize: offset, files: laidOut })
}
