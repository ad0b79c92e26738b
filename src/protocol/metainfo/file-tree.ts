// The file tree of a v2 torrent (BEP 52): nested dictionaries, a file being one whose only key is empty.
import { decodeUtf8, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { BencodeDict, keyToBytes } from '../bencode/index.ts'
import { MAX_ALL_PATH_ELEMENTS, MAX_FILES } from './limits.ts'
import { readEntry, type ListedFile } from './listed-file.ts'
import { shownPath, shownText } from './shown-text.ts'

const ROOT_BYTES = 32

/**
 * Files in the order of the tree. Recursion is bounded by the depth that the decoder allows.
 * Throws FormatError `file_tree`, `no_files`, `too_many_files`, `invalid_length`, `pad_file` or `pieces_root`.
 */
export function readFileTree(tree: BencodeDict): ListedFile[] {
  const files: ListedFile[] = []
  readFolder(tree, [], [], { files, pathElements: 0 })
  if (files.length === 0) throw new FormatError('no_files', 'Cannot read torrent: its file tree is empty')
  return files
}

interface Listing {
  readonly files: ListedFile[]
  /** Of all files and folders so far. */
  pathElements: number
}

function readFolder(
  folder: BencodeDict,
  path: readonly string[],
  lenientPath: readonly string[],
  listing: Listing,
): void {
  const { files } = listing
  for (const [i, key] of folder.keys.entries()) {
    const bytes = keyToBytes(key)
    const nodePath = [...path, shownText(bytes)]
    const nodeLenientPath = [...lenientPath, decodeUtf8(bytes)]
    const node = folder.values[i]
    if (key === '') throw treeError(path, 'is a folder and a file at once')
    if (!(node instanceof BencodeDict)) throw treeError(nodePath, 'is not a dictionary')
    const entry = node.get('')
    if (entry === undefined) readFolder(node, nodePath, nodeLenientPath, listing)
    else if (node.size > 1) throw treeError(nodePath, 'is a folder and a file at once')
    else if (!(entry instanceof BencodeDict)) throw treeError(nodePath, 'is a file without facts')
    else files.push(readFile(entry, nodePath, nodeLenientPath))
    listing.pathElements += nodePath.length
    if (files.length > MAX_FILES) {
      throw new FormatError('too_many_files', `Cannot read torrent: it has more than ${MAX_FILES} files`)
    }
    if (listing.pathElements > MAX_ALL_PATH_ELEMENTS) {
      const found = `its paths have more than ${MAX_ALL_PATH_ELEMENTS} elements`
      throw new FormatError('too_many_files', `Cannot read torrent: ${found}`)
    }
  }
}

function readFile(entry: BencodeDict, path: readonly string[], lenientPath: readonly string[]): ListedFile {
  const file = readEntry(entry, path, lenientPath, entry.bytes('pieces root'))
  if (file.isPad) {
    throw new FormatError('pad_file', `Cannot read torrent: ${shownPath(path)} is a pad file, which v2 does not have`)
  }
  if (file.length === 0) return { ...file, piecesRoot: null }
  const { piecesRoot } = file
  if (piecesRoot === null || piecesRoot.length !== ROOT_BYTES || piecesRoot.every((byte) => byte === 0)) {
    const found = piecesRoot === null ? 'missing' : toHex(piecesRoot.subarray(0, ROOT_BYTES))
    throw new FormatError('pieces_root', `Cannot read torrent: the pieces root of ${shownPath(path)} is ${found}`)
  }
  return file
}

function treeError(path: readonly string[], problem: string): FormatError {
  return new FormatError('file_tree', `Cannot read torrent: ${shownPath(path)} in the file tree ${problem}`)
}
