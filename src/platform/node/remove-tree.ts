// Deletes the files of a torrent and the folders that are empty then. Nothing else is touched, whatever lies in their place: no
// symbolic link is followed, nothing is deleted that was not named.
import fs from 'node:fs'
import type { RemovedTree } from '../platform.ts'
import { isMissing, systemCode } from './storage-error.ts'
import { visitTree } from './visit-tree.ts'

const STAT_BLOCK_BYTES = 512
const NOT_EMPTY = new Set(['ENOTEMPTY', 'EEXIST'])

/** See `Volume.removeTree`. */
export function* removeTree(root: string, paths: readonly string[]): Generator<undefined, RemovedTree, undefined> {
  const kept: string[] = []
  let files = 0
  let bytes = 0
  yield* visitTree<null>(
    root,
    paths.map((path) => [path, null]),
    {
      action: 'delete',
      visit(place, path) {
        const info = fs.lstatSync(place, { throwIfNoEntry: false })
        if (!info) return
        if (!info.isFile() && !info.isSymbolicLink()) return void kept.push(path)
        fs.unlinkSync(place)
        files++
        // Windows tells no blocks.
        if (info.isFile()) bytes += info.blocks === undefined ? info.size : info.blocks * STAT_BLOCK_BYTES
      },
      onNoFolder: (path) => void kept.push(path),
      onMissing: () => false,
      leave(place, path) {
        if (!removeIfEmpty(place)) kept.push(path)
      },
    },
  )
  return { files, bytes, kept }
}

function removeIfEmpty(folder: string): boolean {
  try {
    fs.rmdirSync(folder)
  } catch (error) {
    if (NOT_EMPTY.has(systemCode(error))) return false
    if (!isMissing(error)) throw error
  }
  return true
}
