// How the disk's contract looks at files and changes them behind the disk's back.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SimDisk } from '../../src/sim/disk/sim-disk.ts'

export interface DiskFiles {
  /** The folder of this test. */
  readonly folder: string
  exists(path: string): boolean
  read(path: string): Uint8Array
  /** Replaces what is in the file. */
  write(path: string, bytes: Uint8Array): void
  makeFolder(path: string): void
  rename(from: string, to: string): void
  /** A file, or a folder with all that is in it. */
  remove(path: string): void
  forbidWriting(path: string): void
  isExecutable(path: string): boolean
  /** Makes a symbolic link. */
  link(path: string, target: string): void
  /** Null: it is none. */
  linkTarget(path: string): string | null
}

/** The file system, in a fresh temporary folder. */
export function realFiles(): DiskFiles {
  return {
    folder: mkdtempSync(join(tmpdir(), 'shoal-disk-')),
    exists: (path) => existsSync(path),
    read: (path) => Uint8Array.from(readFileSync(path)),
    write: (path, bytes) => writeFileSync(path, bytes),
    makeFolder: (path) => mkdirSync(path),
    rename: (from, to) => renameSync(from, to),
    remove: (path) => rmSync(path, { recursive: true, force: true }),
    forbidWriting: (path) => chmodSync(path, 0o400),
    isExecutable: (path) => (statSync(path).mode & 0o100) !== 0,
    link: (path, target) => symlinkSync(target, path),
    linkTarget: (path) => (lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null),
  }
}

/** What a simulated disk holds. */
export function simulatedFiles(disk: SimDisk): DiskFiles {
  const { files } = disk.device('/')
  return {
    folder: '/content',
    exists: (path) => files.has(path),
    read: (path) => {
      const file = files.find(path)!
      const bytes = new Uint8Array(file.length)
      file.read(0, bytes)
      return bytes
    },
    write: (path, bytes) => {
      if (files.has(path)) files.remove(path)
      const file = files.make(path, 'bytes')
      if (bytes.length > 0) files.write(path, file, 0, bytes.length, bytes)
    },
    makeFolder: (path) => files.makeFolder(path),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    forbidWriting: (path) => {
      files.find(path)!.isReadOnly = true
    },
    isExecutable: (path) => files.find(path)!.isExecutable,
    link: (path, target) => files.makeLink(path, target),
    linkTarget: (path) => files.linkTarget(path),
  }
}
