// A copy of content on another file system: in parts that leave the disk to others, safe from a power cut, and verified, before
// anybody relies on it. It lies under a name of its own, so that what a broken attempt has left can be told from anything else.
import { equalBytes, toHex } from '../../base/bytes.ts'
import type { Bitfield } from '../../base/bitfield.ts'
import { StorageError } from '../../base/errors.ts'
import { formatBytes } from '../../base/format.ts'
import type { FileState, Volume } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { type ContentLayout, locationOf } from './content-layout.ts'
import { ownPaths } from './content-removal.ts'

/** Bytes of a step: others who need the disk wait for one at most. */
const STEP_BYTES = 8 * 2 ** 20
/** Hashes under way at once. */
const CONCURRENCY = 4

export interface MoveProgress {
  readonly phase: 'copying' | 'verifying'
  /** Bytes. */
  readonly done: number
  readonly total: number
}

export interface CopyOptions {
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly layout: ContentLayout
  readonly volume: Volume
  /** Where the copy is made. */
  readonly target: Volume
  /** Root of the copy: see `temporaryRoot`. */
  readonly root: string
  /** Pieces that must be right in the copy; null: nobody knows, and it must be what it was made of. */
  readonly have: Bitfield | null
  readonly onProgress: (progress: MoveProgress) => void
  /** Asked after each step: true ends it early. */
  readonly isStopped: () => boolean
}

/** Of content on its way into a folder: no torrent's file or folder has such a name. */
export function temporaryRoot({ infohashV1, infohashV2 }: Metainfo, folder: string): string {
  return `${folder === '/' ? '' : folder}/.${toHex(infohashV1 ?? infohashV2!)}.moving`
}

/** Where a path of the content is when its root is another one. */
export function rebased(path: string, from: string, to: string): string {
  return to + path.slice(from.length)
}

/** Removes what was copied, safely: it must not come back when nobody knows of it any more. Rejects with StorageError. */
export async function removeOriginal(volume: Volume, layout: ContentLayout): Promise<void> {
  const own = ownPaths(layout)
  await volume.removeTree(layout.top, own)
  const folders = [...new Set([layout.top, ...own].map(parentOf))]
  const kinds = await volume.kinds(folders)
  await volume.syncFolders(folders.filter((_, i) => kinds[i] === 'folder'))
}

export function parentOf(path: string): string {
  return locationOf(path).path
}

/**
 * Returns what the files of the copy look like, by their path in the layout. Rejects with StorageError: `disk_full` before
 * anything is written, when there is no room; `copy_damaged` when it is not what it was made of; `interrupted`.
 */
export async function copyContent(options: CopyOptions): Promise<Map<string, FileState>> {
  const { layout, volume, target, root } = options
  const own = [...layout.paths.filter((path) => path !== ''), ...(layout.places ? [layout.places.partsPath] : [])]
  const states = await volume.states(own)
  const files = own.flatMap((path, i) => {
    const state = states[i]
    return state ? [{ path, to: rebased(path, layout.root, root), length: state.size }] : []
  })
  await requireRoom(options, files)
  await copyFiles(options, files)
  await target.ensureFiles(files.map(({ to, length }) => ({ path: to, length })))
  const synced = await target.sync(files.map(({ to }) => to))
  await verifyCopy(options)
  return new Map(files.map(({ path }, i) => [path, synced[i]]))
}

interface CopiedFile {
  readonly path: string
  readonly to: string
  /** Bytes. */
  readonly length: number
}

async function requireRoom({ volume, target, root }: CopyOptions, files: readonly CopiedFile[]): Promise<void> {
  const room = await target.room()
  const needed = await volume.taken(files.map(({ path }) => path))
  if (room === null || needed <= room) return
  const lack = `${formatBytes(needed - room)} more are needed (${formatBytes(needed)} to move, ${formatBytes(room)} free)`
  throw new StorageError('disk_full', `Cannot move the content to ${root}: ${lack}`, root)
}

async function copyFiles(
  { target, onProgress, isStopped, root }: CopyOptions,
  files: readonly CopiedFile[],
): Promise<void> {
  const total = files.reduce((sum, { length }) => sum + length, 0)
  let done = 0
  for (const { path, to, length } of files) {
    for (let offset = 0; offset < length; offset += STEP_BYTES) {
      if (isStopped()) throw interrupted(root)
      const step = Math.min(STEP_BYTES, length - offset)
      await target.copy({ path, offset, length: step }, to, offset)
      done += step
      onProgress({ phase: 'copying', done, total })
    }
  }
}

async function verifyCopy({
  metainfo,
  map,
  layout,
  volume,
  target,
  root,
  have,
  onProgress,
  isStopped,
}: CopyOptions): Promise<void> {
  const pieces = Array.from({ length: map.pieceCount }, (_, piece) => piece).filter((piece) => have?.has(piece) ?? true)
  const total = pieces.reduce((sum, piece) => sum + map.pieceLength(piece), 0)
  let next = 0
  let done = 0
  const lane = async (): Promise<void> => {
    while (next < pieces.length) {
      if (isStopped()) throw interrupted(root)
      const piece = pieces[next++]
      const spans = layout.spans(piece, 0, map.pieceLength(piece))
      const copied = spans.map((span) => ({ ...span, path: span.path && rebased(span.path, layout.root, root) }))
      const wanted = have ? metainfo.pieceHashes!.subarray(20 * piece, 20 * piece + 20) : await volume.hash(spans)
      const found = await target.hash(copied)
      if (!isSame(found, wanted)) throw damaged(root, piece)
      done += map.pieceLength(piece)
      onProgress({ phase: 'verifying', done, total })
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: CONCURRENCY }, lane))
  for (const result of lanes) if (result.status === 'rejected') throw result.reason
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a && b ? equalBytes(a, b) : a === b
}

function interrupted(root: string): StorageError {
  return new StorageError('interrupted', `The content was not moved to ${root}: it was stopped before its end`, root)
}

function damaged(root: string, piece: number): StorageError {
  const message = `Cannot move the content to ${root}: piece ${piece} is damaged in the copy; it stays where it was, check both disks`
  return new StorageError('copy_damaged', message, root)
}
