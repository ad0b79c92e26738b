// A file as a torrent lists it, before clean-up and placing: what the v1 list and the v2 tree have in common.
import { decodeUtf8 } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { isList, type BencodeDict, type BencodeValue } from '../bencode/index.ts'
import { shownPath } from './shown-text.ts'

export interface ListedFile {
  /** Elements as shown (none for a single file): text, or `hex:...` where the bytes are not UTF-8. */
  readonly path: readonly string[]
  /** Elements as clean-up takes them: what is not UTF-8 is U+FFFD. */
  readonly lenientPath: readonly string[]
  /** Bytes; 0 for a symlink. */
  readonly length: number
  readonly isPad: boolean
  readonly isExecutable: boolean
  readonly isHidden: boolean
  /** Lenient elements; null for a file. */
  readonly symlinkTarget: readonly string[] | null
  /** BEP 52; null for v1, and for empty files. */
  readonly piecesRoot: Uint8Array | null
}

/** Reads an entry of either format (BEP 3, 47, 52). Throws FormatError `invalid_length`. */
export function readEntry(
  entry: BencodeDict,
  path: readonly string[],
  lenientPath: readonly string[],
  piecesRoot: Uint8Array | null,
): ListedFile {
  const attributes = entry.text('attr') ?? ''
  // A symlink without a target is an ordinary file.
  const target = attributes.includes('l') ? readElements(entry.get('symlink path')) : null
  const symlinkTarget = target && target.length > 0 ? target.map(decodeUtf8) : null
  // Written out, not spread: there are hundreds of thousands of these.
  return {
    path,
    lenientPath,
    length: symlinkTarget ? 0 : readLength(entry.get('length'), path),
    isPad: attributes.includes('p'),
    isExecutable: attributes.includes('x'),
    isHidden: attributes.includes('h'),
    symlinkTarget,
    piecesRoot,
  }
}

function readLength(value: BencodeValue | undefined, path: readonly string[]): number {
  if (typeof value === 'number' && value >= 0) return value
  const found = typeof value === 'number' || typeof value === 'bigint' ? String(value) : 'no integer'
  throw new FormatError('invalid_length', `Cannot read torrent: the length of ${shownPath(path)} is ${found}`)
}

/** The byte strings of a list, or null when it is not a list of byte strings. */
export function readElements(value: BencodeValue | undefined): readonly Uint8Array[] | null {
  return isList(value) && value.every((element) => element instanceof Uint8Array) ? value : null
}
