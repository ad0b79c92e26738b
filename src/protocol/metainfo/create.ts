// Making a v1 torrent (BEP 3, 12, 19, 27, 47): the pure part. Whoever calls has found the files and hashed the pieces.
import { encodeUtf8 } from '../../base/bytes.ts'
import { encode, type BencodeInput } from '../bencode/index.ts'
import { MAX_FILES, MAX_PIECE_LENGTH, MAX_PIECES, MAX_URL_BYTES, MAX_URLS } from './limits.ts'

const SHA1_BYTES = 20
const SMALLEST_PIECE = 16_384
const LARGEST_USUAL_PIECE = 16 * 1024 * 1024
/** Few enough that the torrent stays below some 40 kB, many enough that pieces spread among peers at once. */
const PIECES_WANTED = 2_000

export interface NewTorrent {
  /** Name of the file, or of the top folder. */
  readonly name: string
  /** The length of the single file, or the files of the folder in the order of the byte stream. */
  readonly content: number | readonly NewFile[]
  /** The single file may be executed. Default false. */
  readonly isExecutable?: boolean
  /** Bytes, as `choosePieceLength` says or any other number of at least 16 KiB. */
  readonly pieceLength: number
  /** SHA-1 of each piece, 20 bytes each. */
  readonly pieceHashes: Uint8Array
  /** Tiers of URLs. */
  readonly trackers?: readonly (readonly string[])[]
  readonly webSeeds?: readonly string[]
  /** Default false. */
  readonly isPrivate?: boolean
  readonly comment?: string
  /** Stands within info, so that the same content gets another infohash (private trackers ask for it). */
  readonly source?: string
  readonly createdBy?: string
  /** Unix seconds. */
  readonly creationDate?: number
}

export interface NewFile {
  /** Elements below the top folder. */
  readonly path: readonly string[]
  /** Bytes. */
  readonly length: number
  /** Default false. */
  readonly isExecutable?: boolean
}

/** A power of two in bytes: about a thousand to two thousand pieces, of 16 KiB to 16 MiB (larger only for contents beyond 16 TiB). */
export function choosePieceLength(totalSize: number): number {
  let length = SMALLEST_PIECE
  while (length < LARGEST_USUAL_PIECE && totalSize / length > PIECES_WANTED) length *= 2
  while (length < MAX_PIECE_LENGTH && totalSize / length > MAX_PIECES / 2) length *= 2
  return length
}

/** Bytes of the .torrent file. Throws RangeError or TypeError, naming the value, for what makes no sound torrent. */
export function encodeTorrent(torrent: NewTorrent): Uint8Array {
  const { content, pieceLength, pieceHashes } = torrent
  checkElement(torrent.name)
  checkPieces(torrent)
  const trackers = (torrent.trackers ?? []).filter((tier) => tier.length > 0)
  checkUrls('trackers', trackers.flat(), /^(?:https?|udp|wss?):\/\/[^\s/]\S*$/i)
  checkUrls('web seeds', torrent.webSeeds ?? [], /^https?:\/\/[^\s/]\S*$/i)
  const { creationDate } = torrent
  if (creationDate !== undefined && (!Number.isSafeInteger(creationDate) || creationDate < 0)) {
    throw new RangeError(`Cannot make torrent: ${creationDate} is no time in Unix seconds`)
  }
  const info: BencodeInput = {
    ...(typeof content === 'number'
      ? { attr: attributes(torrent), length: content }
      : { files: content.map(encodeFile) }),
    name: torrent.name,
    'piece length': pieceLength,
    pieces: pieceHashes,
    private: torrent.isPrivate ? 1 : undefined,
    source: torrent.source,
  }
  return encode({
    announce: trackers[0]?.[0],
    'announce-list': trackers.flat().length > 1 ? trackers : undefined,
    comment: torrent.comment,
    'created by': torrent.createdBy,
    'creation date': creationDate,
    info,
    'url-list': torrent.webSeeds && torrent.webSeeds.length > 0 ? torrent.webSeeds : undefined,
  })
}

function encodeFile(file: NewFile): BencodeInput {
  return { attr: attributes(file), length: file.length, path: file.path }
}

function attributes({ isExecutable }: { readonly isExecutable?: boolean }): string | undefined {
  return isExecutable ? 'x' : undefined
}

function checkPieces({ content, pieceLength, pieceHashes }: NewTorrent): void {
  if (!Number.isInteger(pieceLength) || pieceLength < SMALLEST_PIECE || pieceLength > MAX_PIECE_LENGTH) {
    throw new RangeError(
      `Cannot make torrent: piece length ${pieceLength} is not within ${SMALLEST_PIECE} and ${MAX_PIECE_LENGTH}`,
    )
  }
  const totalSize = typeof content === 'number' ? checkLength(content) : checkFiles(content)
  if (totalSize === 0) throw new RangeError('Cannot make torrent: there are no bytes in its files')
  const pieces = Math.ceil(totalSize / pieceLength)
  if (pieces > MAX_PIECES) throw new RangeError(`Cannot make torrent: ${pieces} pieces are more than ${MAX_PIECES}`)
  if (pieceHashes.length !== pieces * SHA1_BYTES) {
    throw new RangeError(`Cannot make torrent: ${pieceHashes.length} bytes of hashes for ${pieces} pieces`)
  }
}

function checkFiles(files: readonly NewFile[]): number {
  if (files.length > MAX_FILES) {
    throw new RangeError(`Cannot make torrent: ${files.length} files are more than ${MAX_FILES}`)
  }
  const seen = new Set<string>()
  let totalSize = 0
  for (const { path, length } of files) {
    if (path.length === 0) throw new TypeError('Cannot make torrent: a file has no path')
    for (const element of path) checkElement(element)
    const whole = path.join('/')
    if (seen.has(whole)) throw new TypeError(`Cannot make torrent: ${JSON.stringify(whole)} is there twice`)
    seen.add(whole)
    totalSize += checkLength(length)
  }
  return totalSize
}

function checkLength(length: number): number {
  if (Number.isSafeInteger(length) && length >= 0) return length
  throw new RangeError(`Cannot make torrent: ${length} is no length of a file`)
}

/** Only what cannot be a name anywhere is refused: what a system dislikes is cleaned by whoever saves it. */
function checkElement(element: string): void {
  const isName =
    element !== '' && element !== '.' && element !== '..' && !element.includes('/') && !element.includes('\0')
  if (!isName) throw new TypeError(`Cannot make torrent: ${JSON.stringify(element)} is no name of a file`)
}

function checkUrls(what: string, urls: readonly string[], shape: RegExp): void {
  if (urls.length > MAX_URLS)
    throw new RangeError(`Cannot make torrent: ${urls.length} ${what} are more than ${MAX_URLS}`)
  for (const url of urls) {
    if (shape.test(url) && encodeUtf8(url).length <= MAX_URL_BYTES) continue
    throw new TypeError(`Cannot make torrent: ${JSON.stringify(url)} is no address for ${what}`)
  }
}
