// Gives files of a torrent what it says of them beside their content (BEP 47): which may be executed, and which are symbolic
// links. No link is followed on the way, and nothing that is there gives way.
import fs from 'node:fs'
import type { FileAttributes } from '../platform.ts'
import { systemCode } from './storage-error.ts'
import { visitTree } from './visit-tree.ts'

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants
const READ_BITS = 0o444

/** See `Volume.applyAttributes`. */
export function* applyAttributes(
  root: string,
  { executables, links }: FileAttributes,
): Generator<undefined, null, undefined> {
  // Windows has no such bits, and its links need rights that hardly anybody has.
  if (process.platform === 'win32') return null
  const visitor = { onNoFolder: () => {}, leave: () => {} }
  yield* visitTree<null>(
    root,
    executables.map((path) => [path, null]),
    { ...visitor, action: 'make executable', onMissing: () => false, visit: makeExecutable },
  )
  yield* visitTree<string>(
    root,
    links.map(({ path, target }) => [path, target]),
    {
      ...visitor,
      action: 'make a link at',
      onMissing: makeFolder,
      visit: (place, _, target) => makeLink(place, target),
    },
  )
  return null
}

/** For whoever may read it: who that is was decided by the user's mask when the file was made. */
function makeExecutable(place: string): void {
  let fd: number
  try {
    fd = fs.openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    // Nothing, or a link, is in its place.
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ELOOP') return
    throw error
  }
  try {
    const info = fs.fstatSync(fd)
    const mode = info.mode | ((info.mode & READ_BITS) >> 2)
    if (info.isFile() && info.uid === process.geteuid?.() && mode !== info.mode) fs.fchmodSync(fd, mode & 0o7777)
  } finally {
    fs.closeSync(fd)
  }
}

function makeFolder(place: string): boolean {
  fs.mkdirSync(place)
  return true
}

function makeLink(place: string, target: string): void {
  try {
    fs.symlinkSync(target, place)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}
