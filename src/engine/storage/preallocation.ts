// Takes the space of files before a download begins, so that it can neither run out half way nor be scattered over the disk.
// Whether there is enough of it is to be looked at before. Nothing that is there is changed; nobody may write to these files
// meanwhile.
import type { Volume } from '../../platform/platform.ts'

export interface PreallocationOptions {
  readonly volume: Volume
  readonly files: readonly PreallocatedFile[]
  /** Something has been written to the file with this place in the list. */
  readonly onTouched: (file: number) => void
  /** Bytes that have been looked at, of those of all files. */
  readonly onProgress: (done: number, total: number) => void
  /** Asked after each step: true ends it early. */
  readonly isStopped: () => boolean
}

export interface PreallocatedFile {
  /** Absolute. */
  readonly path: string
  /** Bytes. */
  readonly length: number
}

/** Bytes of a step: others who need the disk wait for one at most. */
const STEP_BYTES = 8 * 2 ** 20

/** Resolves when all is taken, or stopped. Rejects with StorageError. */
export async function preallocate({
  volume,
  files,
  onTouched,
  onProgress,
  isStopped,
}: PreallocationOptions): Promise<void> {
  const total = files.reduce((sum, { length }) => sum + length, 0)
  let done = 0
  for (const [file, { path, length }] of files.entries()) {
    for (let at = 0; at < length; at += STEP_BYTES) {
      if (isStopped()) return
      const step = Math.min(STEP_BYTES, length - at)
      onTouched(file)
      await volume.reserve(path, at, step)
      done += step
      onProgress(done, total)
    }
  }
}
