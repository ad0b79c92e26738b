// Names that a person gives to the files of a torrent, cleaned as those in torrents are (saved-paths.ts). There, what is
// wrong is put right without a word; here it is refused, because somebody is there to think of another name.
import { encodeUtf8 } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { MAX_PATH_ELEMENTS } from './limits.ts'
import { foldName, MAX_PATH_BYTES, savedName } from './saved-paths.ts'

const LONGEST_SHOWN = 100

/**
 * One name of a file or folder, cleaned. Throws FormatError `bad_name` where nothing is left of it, or where it is a path.
 * @param isFile its extension is kept when it is too long
 */
export function newName(text: string, isFile: boolean): string {
  if (/[/\\]/.test(text)) throw badName(text, 'a name has no slash')
  const name = savedName(text, isFile)
  if (name === '') throw badName(text, 'nothing that can be a name is left of it')
  return name
}

/**
 * The path of a file below the torrent's folder, cleaned, as its elements.
 * @param text elements between slashes. Throws FormatError `bad_name` for an absolute path, for one that leads out of the
 * folder or has an empty element, and for one that is too long.
 */
export function newPath(text: string): string[] {
  if (encodeUtf8(text).length > MAX_PATH_BYTES) throw badName(text, `it has more than ${MAX_PATH_BYTES} bytes`)
  const elements = text.split('/')
  if (elements.length > MAX_PATH_ELEMENTS) throw badName(text, `it has more than ${MAX_PATH_ELEMENTS} elements`)
  if (elements[0] === '') throw badName(text, 'it begins with a slash')
  const path = elements.map((element, i) => newName(element, i === elements.length - 1))
  if (encodeUtf8(path.join('/')).length > MAX_PATH_BYTES)
    throw badName(text, `it has more than ${MAX_PATH_BYTES} bytes`)
  return path
}

/**
 * The index of the first path that some file system takes for that of another before it, or for a folder of one; or whose
 * folder is another's file. Null: all can be there together. Empty paths are those of nobody.
 */
export function clashingPath(paths: Iterable<readonly string[]>): number | null {
  const files = new Set<string>()
  const folders = new Set<string>()
  let index = -1
  for (const path of paths) {
    index++
    if (path.length === 0) continue
    let key = ''
    for (const [i, element] of path.entries()) {
      key += `/${foldName(element)}`
      if (files.has(key)) return index
      if (i < path.length - 1) folders.add(key)
    }
    if (folders.has(key)) return index
    files.add(key)
  }
  return null
}

function badName(text: string, reason: string): FormatError {
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
  return new FormatError('bad_name', `Cannot use the name ${JSON.stringify(shown)}: ${reason}`)
}
