// What files look like from outside, seen by a disk thread.
import fs from 'node:fs'
import { dirname } from 'node:path'
import type { Work } from './disk-work.ts'
import { isMissing, toStorageError } from './storage-error.ts'

/** Files between two pauses. */
const FILE_STRIDE = 64
/** What `stat` counts in, whatever the file system does. */
const STAT_BLOCK_BYTES = 512

/**
 * Looks at many files, with pauses. In a folder that is missing nothing is looked at: at the start of a download that is most.
 * @param nothing the answer for a file that is missing
 */
export function* lookAtEach<Result>(
  paths: readonly string[],
  look: (path: string) => Result,
  nothing: Result,
): Work<Result[]> {
  const isThere = new Map<string, boolean>()
  const results: Result[] = []
  for (const path of paths) {
    const folder = dirname(path)
    const result = isThere.get(folder) === false ? nothing : look(path)
    if (result === nothing && !isThere.has(folder)) isThere.set(folder, statIfThere(folder) !== undefined)
    results.push(result)
    if (results.length % FILE_STRIDE === 0) yield
  }
  return results
}

/** -1 where there is no file. */
export function sizeOf(path: string): number {
  const stat = statIfThere(path)
  return stat?.isFile() ? stat.size : -1
}

/** Bytes of the device: less than the size where there are holes. */
export function takenBy(path: string): number {
  const stat = statIfThere(path)
  if (!stat?.isFile()) return 0
  // Windows tells no blocks.
  return stat.blocks === undefined ? stat.size : stat.blocks * STAT_BLOCK_BYTES
}

export function statIfThere(path: string): fs.Stats | undefined {
  try {
    // Making an error of what is missing takes longer than looking.
    return fs.statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (isMissing(error)) return undefined
    throw toStorageError(error, 'look at', path)
  }
}
