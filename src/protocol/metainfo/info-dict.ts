// The info dictionary of a torrent, v1, v2 or hybrid (BEP 3, 27, 47, 52): what the infohash covers, checked and cleaned.
// It is all that a magnet link's torrent consists of; `torrent-file.ts` adds what stands around it.
import { decodeUtf8, equalBytes, toHex } from '../../base/bytes.ts'
import { sha1, sha256 } from '../../base/digest.ts'
import { FormatError } from '../../base/errors.ts'
import { BencodeDict, decodePrefix, keyToBytes, type BencodeValue, type Oddity } from '../bencode/index.ts'
import { readFileTree } from './file-tree.ts'
import { MAX_PIECE_LENGTH, MAX_PIECES, MAX_TORRENT_BYTES, MAX_TORRENT_ITEMS, MIN_V2_PIECE_LENGTH } from './limits.ts'
import type { ListedFile } from './listed-file.ts'
import type { Metainfo, TorrentFile } from './metainfo.ts'
import { savedName, savedPaths } from './saved-paths.ts'
import { readText, readTextBytes, shownPath, shownText } from './shown-text.ts'
import { readV1Files } from './v1-files.ts'

const SHA1_BYTES = 20

export type InfoDict = Pick<
  Metainfo,
  | 'infohashV1'
  | 'infohashV2'
  | 'infoBytes'
  | 'name'
  | 'savedName'
  | 'pieceLength'
  | 'totalSize'
  | 'files'
  | 'isSingleFile'
  | 'pieceHashes'
  | 'isPrivate'
  | 'source'
>

interface FileList {
  readonly files: readonly ListedFile[]
  readonly isSingleFile: boolean
}

/**
 * Reads raw info bytes, as peers hand them over (BEP 9). They must stay as they are: the answer keeps views of them.
 * Throws FormatError with the codes of `parseTorrent`.
 */
export function parseInfoDict(bytes: Uint8Array): InfoDict {
  const { value, end, flaws } = decodeNotingFlaws(bytes)
  if (!(value instanceof BencodeDict))
    throw new FormatError('missing_info', 'Cannot read torrent: info is no dictionary')
  if (end < bytes.length) throw new FormatError('trailing_data', `Cannot read torrent: info ends at byte ${end}`)
  return readInfoDict(value, bytes, flaws)
}

/** What a lenient decoder accepts and an info dictionary must not have: the bytes where each was found. */
export interface Flaws {
  readonly repeatedKeys: number[]
  readonly leadingZeros: number[]
}

export function decodeNotingFlaws(bytes: Uint8Array): { value: BencodeValue; end: number; flaws: Flaws } {
  if (bytes.length > MAX_TORRENT_BYTES) {
    throw new FormatError('too_large', `Cannot read torrent: ${bytes.length} bytes are more than ${MAX_TORRENT_BYTES}`)
  }
  const flaws: Flaws = { repeatedKeys: [], leadingZeros: [] }
  const onOddity = ({ code, offset }: Oddity): void => {
    if (code === 'duplicate_key') flaws.repeatedKeys.push(offset)
    if (code === 'leading_zero') flaws.leadingZeros.push(offset)
  }
  return { ...decodePrefix(bytes, { lenient: true, maxItems: MAX_TORRENT_ITEMS, onOddity }), flaws }
}

/**
 * @param infoBytes the exact bytes of `info`; kept
 * @param flaws those within them
 */
export function readInfoDict(info: BencodeDict, infoBytes: Uint8Array, flaws: Flaws): InfoDict {
  const isV2 = info.int('meta version') === 2
  const nameBytes = readName(info)
  refuseFlaws(flaws, isV2)
  const pieceHashes = info.bytes('pieces')
  if (pieceHashes === null && !isV2) throw new FormatError('missing_pieces', 'Cannot read torrent: it has no pieces')
  const pieceLength = readPieceLength(info, isV2)

  const v1 = pieceHashes === null ? null : readV1Files(info)
  const v2 = isV2 ? readV2Files(info) : null
  const list = v1 && v2 ? joinLists(v1, v2, pieceLength) : (v1 ?? v2)!
  const totalSize = checkSizes(list.files, pieceLength)
  if (pieceHashes !== null) checkPieceCount(pieceHashes, totalSize, pieceLength)

  const infohashV1 = v1 === null ? null : sha1(infoBytes)
  const infohashV2 = v2 === null ? null : sha256(infoBytes)
  const top = savedName(decodeUtf8(nameBytes), list.isSingleFile) || toHex((infohashV1 ?? infohashV2)!)
  return {
    infohashV1,
    infohashV2,
    infoBytes,
    name: shownText(nameBytes),
    savedName: top,
    pieceLength,
    totalSize,
    files: placeFiles(list, top),
    isSingleFile: list.isSingleFile,
    pieceHashes,
    isPrivate: (info.int('private') ?? 0) !== 0,
    source: readText(info, 'source'),
  }
}

/** A repeated key would let two programs see two torrents behind one infohash. v2 insists on canonical numbers as well. */
function refuseFlaws({ repeatedKeys, leadingZeros }: Flaws, isV2: boolean): void {
  if (repeatedKeys.length > 0) {
    throw new FormatError('duplicate_key', `Cannot read torrent: info repeats a key at byte ${repeatedKeys[0]}`)
  }
  if (leadingZeros.length > 0 && isV2) {
    throw new FormatError('bencoding', `Cannot read torrent: a number has a leading zero at byte ${leadingZeros[0]}`)
  }
}

function readPieceLength(info: BencodeDict, isV2: boolean): number {
  const value = info.get('piece length')
  const isWhole = typeof value === 'number' && value >= 1 && value <= MAX_PIECE_LENGTH
  if (isWhole && (!isV2 || (value >= MIN_V2_PIECE_LENGTH && Number.isInteger(Math.log2(value))))) return value
  const found = typeof value === 'number' || typeof value === 'bigint' ? String(value) : 'no integer'
  throw new FormatError('piece_length', `Cannot read torrent: the piece length is ${found}`)
}

function readName(info: BencodeDict): Uint8Array {
  const bytes = readTextBytes(info, 'name')
  // Bytes up to a space are control characters: a name of nothing else names nothing.
  if (bytes !== null && bytes.some((byte) => byte > 0x20)) return bytes
  throw new FormatError('missing_name', 'Cannot read torrent: it has no name')
}

function readV2Files(info: BencodeDict): FileList {
  const tree = info.dict('file tree')
  if (tree === null) throw new FormatError('file_tree', 'Cannot read torrent: it has no file tree')
  const files = readFileTree(tree)
  // BEP 52: a single file is called as the torrent is.
  const name = info.bytes('name')
  const isSingleFile =
    files.length === 1 && files[0].path.length === 1 && name !== null && equalBytes(keyToBytes(tree.keys[0]), name)
  return isSingleFile ? { files: [{ ...files[0], path: [], lenientPath: [] }], isSingleFile } : { files, isSingleFile }
}

/** Both lists of a hybrid must say the same: names, order and lengths, each file at the start of a v1 piece. */
function joinLists(v1: FileList, v2: FileList, pieceLength: number): FileList {
  let next = 0
  let offset = 0
  const files = v1.files.map((file) => {
    const start = offset
    offset += file.length
    if (file.isPad) return file
    const twin = v2.files[next++]
    const isSame =
      twin !== undefined &&
      twin.length === file.length &&
      samePath(twin.path, file.path) &&
      samePath(twin.symlinkTarget ?? [], file.symlinkTarget ?? [])
    if (!isSame) throw mismatch(`${shownPath(file.path)} is not the same in both lists of files`)
    if (file.length > 0 && start % pieceLength !== 0) {
      throw mismatch(`${shownPath(file.path)} does not begin with a piece`)
    }
    return { ...file, piecesRoot: twin.piecesRoot }
  })
  if (next !== v2.files.length || v1.isSingleFile !== v2.isSingleFile) throw mismatch('the lists of files differ')
  return { files, isSingleFile: v1.isSingleFile }
}

function mismatch(problem: string): FormatError {
  return new FormatError('v1_v2_mismatch', `Cannot read torrent: ${problem}`)
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((element, i) => element === b[i])
}

/** Bytes of all files. Throws `invalid_length`, `zero_length` or `too_many_pieces`. */
function checkSizes(files: readonly ListedFile[], pieceLength: number): number {
  let total = 0
  let content = 0
  let v2Pieces = 0
  for (const file of files) {
    total += file.length
    if (!file.isPad) content += file.length
    if (file.piecesRoot !== null) v2Pieces += Math.ceil(file.length / pieceLength)
  }
  const pieces = Math.max(v2Pieces, Math.ceil(total / pieceLength))
  if (pieces > MAX_PIECES) {
    throw new FormatError('too_many_pieces', `Cannot read torrent: ${pieces} pieces are more than ${MAX_PIECES}`)
  }
  if (content === 0) throw new FormatError('zero_length', 'Cannot read torrent: all its files are empty')
  return total
}

function checkPieceCount(pieceHashes: Uint8Array, totalSize: number, pieceLength: number): void {
  const expected = Math.ceil(totalSize / pieceLength) * SHA1_BYTES
  if (pieceHashes.length === expected) return
  const found = `${pieceHashes.length} bytes of piece hashes`
  throw new FormatError('pieces_count', `Cannot read torrent: ${found} where its files need ${expected}`)
}

function placeFiles(list: FileList, top: string): TorrentFile[] {
  const saved = list.isSingleFile ? null : savedPaths(top, list.files)
  let offset = 0
  return list.files.map((file, i) => {
    const start = offset
    offset += file.length
    return {
      path: file.path,
      savedAs: saved?.paths[i] ?? [top],
      length: file.length,
      offset: start,
      isPad: file.isPad,
      isExecutable: file.isExecutable,
      isHidden: file.isHidden,
      symlinkTarget: saved && file.symlinkTarget ? saved.locate(file.symlinkTarget) : null,
      piecesRoot: file.piecesRoot,
    }
  })
}
