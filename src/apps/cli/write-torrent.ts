// The torrent file that a command writes: never over another file, unless that is asked for.
import { stat, writeFile } from 'node:fs/promises'
import { CommandError } from './command-error.ts'

/** To be called before the work begins. Rejects with CommandError `file_exists`. */
export async function checkOutput(path: string, force: boolean): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  if (isThere && !force) throw alreadyThere(path)
}

/** Rejects as `checkOutput` does, and with the system's error. */
export async function writeTorrent(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(path)
    throw error
  }
}

function alreadyThere(path: string): CommandError {
  return new CommandError(
    'file_exists',
    `${path} is there already; name another file with -o, or overwrite it with --force`,
  )
}
