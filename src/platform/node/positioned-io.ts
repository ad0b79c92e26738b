// Reading and writing at a position, in full: the system may do less than it was asked for and says so only in its result.
import fs from 'node:fs'
import { StorageError } from '../../base/errors.ts'
import { toStorageError } from './storage-error.ts'

/** Systems take 1024 buffers in one call. */
const BUFFERS_PER_CALL = 1024

type Transfer = (fd: number, buffers: readonly Uint8Array[], position: number) => number

/** Throws StorageError; a system that takes nothing has no room left. `transfer` is for tests. */
export function writeFully(
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
  path: string,
  transfer: Transfer = writeOnce,
): void {
  let left = [...buffers]
  let at = position
  while (left.length > 0) {
    let written: number
    try {
      written = transfer(fd, left.slice(0, BUFFERS_PER_CALL), at)
    } catch (error) {
      throw toStorageError(error, 'write', path)
    }
    if (written === 0) {
      throw new StorageError(
        'disk_full',
        `Cannot write ${path}: the disk took no more at byte ${at}; free some space`,
        path,
      )
    }
    left = withoutFirst(left, written)
    at += written
  }
}

/**
 * Adds to the end of a file that was opened for appending, in one call: what others append never comes between. Throws
 * StorageError; where the system took a part only, that part stays.
 */
export function appendFully(fd: number, bytes: Uint8Array, path: string): void {
  let written: number
  try {
    written = fs.writeSync(fd, bytes)
  } catch (error) {
    throw toStorageError(error, 'write', path)
  }
  if (written < bytes.length) {
    throw new StorageError(
      'disk_full',
      `Cannot write ${path}: the disk took ${written} of ${bytes.length} bytes; free some space`,
      path,
    )
  }
}

/** Bytes read: less than the buffers hold only where the file ends. Throws StorageError. */
export function readFully(
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
  path: string,
  transfer: Transfer = readOnce,
): number {
  let left = [...buffers]
  let at = position
  while (left.length > 0) {
    let read: number
    try {
      read = transfer(fd, left.slice(0, BUFFERS_PER_CALL), at)
    } catch (error) {
      throw toStorageError(error, 'read', path)
    }
    if (read === 0) break
    left = withoutFirst(left, read)
    at += read
  }
  return at - position
}

function writeOnce(fd: number, buffers: readonly Uint8Array[], position: number): number {
  return buffers.length === 1
    ? fs.writeSync(fd, buffers[0], 0, buffers[0].length, position)
    : fs.writevSync(fd, buffers, position)
}

function readOnce(fd: number, buffers: readonly Uint8Array[], position: number): number {
  return buffers.length === 1
    ? fs.readSync(fd, buffers[0], 0, buffers[0].length, position)
    : fs.readvSync(fd, buffers, position)
}

/** What remains of the buffers after their first `count` bytes. */
function withoutFirst(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let first = 0
  let skip = count
  while (first < buffers.length && skip >= buffers[first].length) skip -= buffers[first++].length
  const rest = buffers.slice(first)
  if (skip > 0) rest[0] = rest[0].subarray(skip)
  return rest
}
