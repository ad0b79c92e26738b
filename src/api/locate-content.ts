import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { StorageError } from '../base/errors.ts'
import type { Metainfo } from '../protocol/metainfo/index.ts'

/**
 * Where a torrent's content is, given a path that either holds it under the torrent's name (tried first) or is the content
 * itself, under whatever name. Rejects with StorageError `not_found` when it is neither.
 */
export async function locateContent(torrent: Metainfo, path: string): Promise<{ path: string; name: string }> {
  const given = resolve(path)
  const isContent = async (candidate: string): Promise<boolean> => {
    const found = await stat(candidate).catch(() => null)
    return found !== null && (torrent.isSingleFile ? found.isFile() : found.isDirectory())
  }
  if (await isContent(join(given, torrent.savedName))) return { path: given, name: torrent.savedName }
  if (await isContent(given)) return { path: dirname(given), name: basename(given) }
  const kind = torrent.isSingleFile ? 'file' : 'folder'
  throw new StorageError('not_found', `Cannot find the ${kind} ${torrent.savedName} in ${path}`, given)
}
