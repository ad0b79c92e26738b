// Gets the bytes of a torrent that the command line names: a file, or an http(s) URL.
import { readFile, stat } from 'node:fs/promises'
import { CommandError, usageError } from './command-error.ts'
import type { Context } from './context.ts'
import type { Engine } from './engine.ts'

/** Larger than any torrent of use (a million pieces take 20 MB), small enough to read whole. */
const MAX_TORRENT_BYTES = 128 * 1024 ** 2
const FETCH_TIMEOUT_MS = 60_000

export function isMagnet(source: string): boolean {
  return /^magnet:/i.test(source)
}

/** A magnet link, or an infohash by itself: 40 hex digits or 32 base32 letters. */
export function isLink(source: string): boolean {
  return isMagnet(source) || /^(?:[0-9a-f]{40}|[a-z2-7]{32})$/i.test(source)
}

export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source)
}

/** Rejects with the system's error, a NetworkError, or a CommandError. */
export async function readTorrent(
  source: string,
  engine: Engine,
  context: Context,
  bind?: string,
): Promise<Uint8Array> {
  if (isMagnet(source)) {
    throw usageError('This command cannot use a magnet link; give a torrent file, or the URL of one')
  }
  if (isUrl(source)) {
    const options = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_TORRENT_BYTES, bind }
    return context.stop.orInterrupted(engine.fetchUrl(source, options))
  }
  const { size } = await stat(source)
  if (size > MAX_TORRENT_BYTES) {
    throw new CommandError(
      'too_large',
      `Cannot read ${source}: ${size} bytes are too many for a torrent; check the path`,
    )
  }
  return readFile(source)
}
