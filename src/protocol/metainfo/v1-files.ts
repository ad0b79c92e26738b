// The file list of a v1 torrent (BEP 3), with pad files and symlinks (BEP 47).
import { decodeUtf8, decodeUtf8Strict } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { BencodeDict } from '../bencode/index.ts'
import { MAX_FILES, MAX_PATH_ELEMENTS } from './limits.ts'
import { readElements, readEntry, type ListedFile } from './listed-file.ts'
import { shownText } from './shown-text.ts'

/**
 * Files in the order of the byte stream. A torrent of one file without a folder has one entry with an empty path.
 * Throws FormatError `no_files`, `too_many_files`, `invalid_length`, `missing_path` or `invalid_path`.
 */
export function readV1Files(info: BencodeDict): { files: ListedFile[]; isSingleFile: boolean } {
  const list = info.list('files')
  if (list === null) {
    if (!info.has('length')) throw new FormatError('no_files', 'Cannot read torrent: it has neither files nor a length')
    const file = readEntry(info, [], [], null)
    return { files: [{ ...file, isPad: false, symlinkTarget: null }], isSingleFile: true }
  }
  if (list.length === 0) throw new FormatError('no_files', 'Cannot read torrent: its list of files is empty')
  if (list.length > MAX_FILES) {
    throw new FormatError(
      'too_many_files',
      `Cannot read torrent: it has ${list.length} files, at most ${MAX_FILES} will do`,
    )
  }
  const files = list.map((entry, i) => {
    if (entry instanceof BencodeDict) return readV1File(entry, i)
    throw new FormatError('missing_path', `Cannot read torrent: file ${i} is not a dictionary`)
  })
  return { files, isSingleFile: false }
}

function readV1File(entry: BencodeDict, index: number): ListedFile {
  const elements = readPath(entry, index)
  if (elements === null) return readNameless(entry, index)
  const path = elements.map(shownText)
  const isText = !path.some((element) => element.startsWith('hex:'))
  return readEntry(entry, path, isText ? path : elements.map(decodeUtf8), null)
}

/** A pad file needs no path. */
function readNameless(entry: BencodeDict, index: number): ListedFile {
  const path = ['.pad', String(entry.int('length') ?? index)]
  const file = readEntry(entry, path, path, null)
  if (file.isPad) return file
  throw new FormatError('missing_path', `Cannot read torrent: file ${index} has no path`)
}

/** `path.utf-8` where it is sound, as some clients wrote it beside a path in another encoding. Null when there is no path. */
function readPath(entry: BencodeDict, index: number): readonly Uint8Array[] | null {
  const utf8 = readElements(entry.get('path.utf-8'))
  if (
    utf8 &&
    utf8.length > 0 &&
    utf8.length <= MAX_PATH_ELEMENTS &&
    utf8.every((element) => decodeUtf8Strict(element) !== null)
  )
    return utf8
  const value = entry.get('path')
  if (value === undefined) return null
  const elements = readElements(value)
  if (elements === null) {
    throw new FormatError('invalid_path', `Cannot read torrent: the path of file ${index} is not a list of strings`)
  }
  if (elements.length > MAX_PATH_ELEMENTS) {
    throw new FormatError(
      'invalid_path',
      `Cannot read torrent: the path of file ${index} has ${elements.length} elements`,
    )
  }
  return elements.length > 0 ? elements : null
}
