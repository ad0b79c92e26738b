import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { StorageError } from '../base/errors.ts'
import { PART_SUFFIX } from '../engine/storage/file-names.ts'
import type { Metainfo } from '../protocol/metainfo/index.ts'

/**
 * Where a torrent's content is, given a path that either holds it under the torrent's name (tried first) or is the content
 * itself, under whatever name, or called NAME.part. Rejects with StorageError `not_found` when it is neither.
 */
export async function locateContent(torrent: Metainfo, path: string): Promise<{ path: string; name: string }> {
  const given = resolve(path)
  const isFile = async (candidate: string): Promise<boolean> =>
    (await stat(candidate).catch(() => null))?.isFile() ?? false
  const isContent = async (candidate: string): Promise<boolean> => {
    if (torrent.isSingleFile) return (await isFile(candidate)) || isFile(`${candidate}${PART_SUFFIX}`)
    return (await stat(candidate).catch(() => null))?.isDirectory() ?? false
  }
  if (await isContent(join(given, torrent.savedName))) return { path: given, name: torrent.savedName }
  if (await isContent(given)) return { path: dirname(given), name: nameOf(torrent, basename(given)) }
  const kind = torrent.isSingleFile ? 'file' : 'folder'
  throw new StorageError('not_found', `Cannot find the ${kind} ${torrent.savedName} in ${path}`, given)
}

/** The file that NAME.part will be, unless the torrent itself has such a name. */
function nameOf({ isSingleFile, savedName }: Metainfo, found: string): string {
  const isPart = isSingleFile && found.endsWith(PART_SUFFIX) && !savedName.endsWith(PART_SUFFIX)
  return isPart && found.length > PART_SUFFIX.length ? found.slice(0, -PART_SUFFIX.length) : found
}
