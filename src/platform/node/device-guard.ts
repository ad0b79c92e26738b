// Keeps a file from being made in the empty folder where a drive was: it would be the beginning of a second copy of the content,
// on the wrong drive. Asked only when a file is made, which is rare.
import fs from 'node:fs'
import { dirname } from 'node:path'
import { StorageError } from '../../base/errors.ts'
import { isMissing, toStorageError } from './storage-error.ts'

export class DeviceGuard {
  /** Where content lies, or will -> the number of its device. */
  readonly #devices = new Map<string, number>()

  /** Files at `root` and below it belong on this device. */
  expect(root: string, device: number): void {
    this.#devices.set(root, device)
  }

  forget(root: string): void {
    this.#devices.delete(root)
  }

  /** Throws StorageError `drive_gone` when the root of this file is on another device by now. */
  check(path: string): void {
    for (let at = path; ; at = dirname(at)) {
      const device = this.#devices.get(at)
      if (device !== undefined && deviceOf(at) !== device) {
        throw new StorageError(
          'drive_gone',
          `Cannot write ${path}: the drive that it was on is gone; connect it again`,
          path,
        )
      }
      if (device !== undefined || dirname(at) === at) return
    }
  }
}

/** Of the path, or of the nearest folder above it that exists. */
function deviceOf(path: string): number {
  for (let at = path; ; at = dirname(at)) {
    try {
      return fs.statSync(at).dev
    } catch (error) {
      if (!isMissing(error) || dirname(at) === at) throw toStorageError(error, 'use', path)
    }
  }
}
