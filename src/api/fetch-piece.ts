import { resolve } from 'node:path'
import type { SessionOptions } from '../engine/session/settings.ts'
import { singlePieceLayout } from '../engine/storage/content-layout.ts'
import { type Metainfo, parseTorrent, PieceMap } from '../protocol/metainfo/index.ts'
import { createSession } from './create-session.ts'

export interface FetchPieceOptions extends SessionOptions {
  /** Peers to dial besides those of the trackers: `IP:PORT`. */
  readonly peers?: readonly string[]
  /** Gives up: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * Fetches one piece from the swarm, verifies it, and writes it to `file`, which holds it from byte 0 on.
 * Rejects with RangeError when there is no such piece, else like a download.
 */
export async function fetchPiece(
  torrent: Uint8Array | Metainfo,
  piece: number,
  file: string,
  options: FetchPieceOptions = {},
): Promise<void> {
  const metainfo = torrent instanceof Uint8Array ? parseTorrent(torrent) : torrent
  const map = new PieceMap(metainfo)
  if (!Number.isSafeInteger(piece) || piece < 0 || piece >= map.pieceCount)
    throw new RangeError(`Cannot fetch piece ${piece}: ${metainfo.name} has the pieces 0 to ${map.pieceCount - 1}`)
  const { peers, signal, ...settings } = options
  const session = await createSession(settings)
  try {
    const added = session.add(metainfo, {
      path: resolve(file, '..'),
      peers: peers ?? [],
      pieces: new Set([piece]),
      layout: () => singlePieceLayout(map, piece, resolve(file)),
    })
    await Promise.race([added.done, ...(signal ? [rejectOn(signal)] : [])])
  } finally {
    await session.close()
  }
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = (): void => reject(signal.reason as Error)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
}
