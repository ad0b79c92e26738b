// What somebody has chosen for a torrent at one place, and what happens to be known of the place: one small file beside the
// journal, replaced as a whole. Bencoded, with a checksum, because what a bad disk makes of it must not be believed:
//
//   { crc: CRC-32C of the bytes of `settings`, settings: { version: 1, skip, low, high: runs of files as first, last, ...;
//     names: [[file, 'new/path'], ...], renaming: [file, 'path before'], moved: ['/to/here', is it done], marks: [text, ...] } }
//
// Everything but the version may be missing, and is then as in a torrent that nobody has changed.
import { decodeUtf8Strict, encodeUtf8 } from '../../base/bytes.ts'
import { crc32c } from '../../base/crc32c.ts'
import { type FormatError, StateError } from '../../base/errors.ts'
import {
  BencodeDict,
  type BencodeInput,
  type BencodeValue,
  decode,
  encode,
  isList,
} from '../../protocol/bencode/index.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import { newPath } from '../../protocol/metainfo/new-path.ts'

export type StoredPriority = 'skip' | 'low' | 'high'

export interface TorrentSettings {
  /** File -> priority, where it is not normal. */
  readonly priorities: ReadonlyMap<number, StoredPriority>
  /** File -> the elements of its new path below the torrent's folder. */
  readonly names: ReadonlyMap<number, readonly string[]>
  /** A file that is on its way to its new name, and the path that it has, or had, before. Null: none is. */
  readonly renaming: { readonly file: number; readonly from: readonly string[] } | null
  /** The content is to be found elsewhere, if it is there; null: it is here. */
  readonly moved: MovedContent | null
  /** Names of the file system that the content was on. */
  readonly marks: readonly string[]
}

export interface MovedContent {
  /** Absolute path of the content's file or folder. */
  readonly to: string
  /** Nothing is left to be done here. */
  readonly isDone: boolean
}

export const NO_SETTINGS: TorrentSettings = {
  priorities: new Map(),
  names: new Map(),
  renaming: null,
  moved: null,
  marks: [],
}

/** Bytes; more than a torrent of the most files needs with a name of ordinary length for each. */
export const MAX_SETTINGS_BYTES = 32 * 2 ** 20
const SETTINGS_VERSION = 1
/** Beside the keys: 200,000 files with a new name of two values in a list each, and a run of two numbers each. */
const MAX_ITEMS = 1_100_000
const MAX_DEPTH = 4
const MAX_MARKS = 4
/** UTF-8 bytes. */
const MAX_MARK_BYTES = 256
const MAX_PATH_BYTES = 65_536
const PRIORITIES: readonly StoredPriority[] = ['skip', 'low', 'high']

type Files = Pick<Metainfo, 'files'>

// ---------------------------------------------------------------- writing

/** Throws StateError `too_many_settings` when they could not be read again. */
export function encodeSettings(settings: TorrentSettings): Uint8Array {
  const { priorities, names, renaming, moved, marks } = settings
  const runs = PRIORITIES.map((priority) => [priority, runsOf(priorities, priority)] as const)
  const body: BencodeInput = {
    version: SETTINGS_VERSION,
    ...Object.fromEntries(runs.filter(([, numbers]) => numbers.length > 0)),
    names: names.size > 0 ? sorted(names).map(([file, path]) => [file, path.join('/')]) : undefined,
    renaming: renaming ? [renaming.file, renaming.from.join('/')] : undefined,
    moved: moved ? [moved.to, moved.isDone ? 1 : 0] : undefined,
    marks: marks.length > 0 ? marks : undefined,
  }
  const bytes = encode({ crc: crc32c(encode(body)), settings: body })
  if (bytes.length > MAX_SETTINGS_BYTES)
    throw new StateError(
      'too_many_settings',
      `Cannot remember the torrent's settings: they take ${bytes.length} bytes`,
      '',
    )
  return bytes
}

function runsOf(priorities: TorrentSettings['priorities'], wanted: StoredPriority): number[] {
  const runs: number[] = []
  for (const [file, priority] of sorted(priorities)) {
    if (priority !== wanted) continue
    if (runs.at(-1) === file - 1) runs[runs.length - 1] = file
    else runs.push(file, file)
  }
  return runs
}

function sorted<Value>(map: ReadonlyMap<number, Value>): [number, Value][] {
  return [...map].toSorted(([a], [b]) => a - b)
}

// ---------------------------------------------------------------- reading

/**
 * Throws StateError: `not_settings` (damaged, or something else), `newer_version`, `other_content` (of files that the torrent
 * does not have).
 * @param path of the file, for errors
 */
export function parseSettings(bytes: Uint8Array, metainfo: Files, path: string): TorrentSettings {
  return new Reader(metainfo.files.length, path).read(bytes)
}

class Reader {
  readonly #fileCount: number
  readonly #path: string

  constructor(fileCount: number, path: string) {
    this.#fileCount = fileCount
    this.#path = path
  }

  read(bytes: Uint8Array): TorrentSettings {
    const body = this.#body(bytes)
    const version = body.int('version')
    if (version === null || version < 1) throw this.#damaged('it says no version')
    if (version > SETTINGS_VERSION) throw this.#unusable('newer_version', `a newer version (${version}) has written it`)
    return {
      priorities: this.#priorities(body),
      names: this.#names(body.get('names')),
      renaming: this.#renaming(body.get('renaming')),
      moved: this.#moved(body.get('moved')),
      marks: this.#marks(body.get('marks')),
    }
  }

  #body(bytes: Uint8Array): BencodeDict {
    const whole = this.#decoded(bytes)
    const body = whole instanceof BencodeDict ? whole.dict('settings') : null
    if (!(whole instanceof BencodeDict) || !body) throw this.#damaged('it is no list of settings')
    if (whole.int('crc') !== crc32c(whole.raw('settings')!)) throw this.#damaged('its checksum is wrong')
    return body
  }

  #decoded(bytes: Uint8Array): BencodeValue {
    try {
      return decode(bytes, { maxDepth: MAX_DEPTH, maxItems: MAX_ITEMS })
    } catch (error) {
      throw this.#damaged((error as FormatError).message)
    }
  }

  #priorities(body: BencodeDict): Map<number, StoredPriority> {
    const priorities = new Map<number, StoredPriority>()
    for (const priority of PRIORITIES) {
      let after = 0
      const runs = this.#list(body.get(priority))
      for (let i = 0; i < runs.length; i += 2) {
        const [first, last] = [this.#file(runs[i]), this.#file(runs[i + 1])]
        // In order and apart: so the work is bounded by the number of files.
        if (first < after || last < first) throw this.#damaged(`the runs of ${priority} files are out of order`)
        after = last + 1
        for (let file = first; file <= last; file++) priorities.set(file, priority)
      }
    }
    return priorities
  }

  #names(value: BencodeValue | undefined): Map<number, readonly string[]> {
    return new Map(this.#list(value).map((entry) => this.#name(entry)))
  }

  #renaming(value: BencodeValue | undefined): TorrentSettings['renaming'] {
    if (value === undefined) return null
    const [file, from] = this.#name(value)
    return { file, from }
  }

  #name(value: BencodeValue): [file: number, path: readonly string[]] {
    const [file, path] = this.#list(value, 2)
    return [this.#file(file), this.#cleanPath(this.#text(path, MAX_PATH_BYTES))]
  }

  /** Only what could have been chosen. */
  #cleanPath(text: string): string[] {
    let path: string[]
    try {
      path = newPath(text)
    } catch (error) {
      throw this.#damaged((error as FormatError).message)
    }
    if (path.join('/') !== text) throw this.#damaged(`${JSON.stringify(text)} is no path of a file`)
    return path
  }

  #moved(value: BencodeValue | undefined): MovedContent | null {
    if (value === undefined) return null
    const [to, isDone] = this.#list(value, 2)
    const path = this.#text(to, MAX_PATH_BYTES)
    if (path === '' || path.includes('\0')) throw this.#damaged('the place that the content was moved to is no path')
    if (isDone !== 0 && isDone !== 1) throw this.#damaged('it does not say whether the content has been moved')
    return { to: path, isDone: isDone === 1 }
  }

  #marks(value: BencodeValue | undefined): string[] {
    const marks = this.#list(value)
    if (marks.length > MAX_MARKS) throw this.#damaged(`it has more than ${MAX_MARKS} marks of a file system`)
    return marks.map((mark) => this.#text(mark, MAX_MARK_BYTES))
  }

  #file(value: BencodeValue | undefined): number {
    if (typeof value !== 'number') throw this.#damaged('the number of a file is missing')
    if (value < 0 || value >= this.#fileCount)
      throw this.#unusable('other_content', `it names file ${value}, which is none`)
    return value
  }

  #text(value: BencodeValue | undefined, maxBytes: number): string {
    const text = value instanceof Uint8Array && value.length <= maxBytes ? decodeUtf8Strict(value) : null
    if (text === null) throw this.#damaged('a text is missing, too long, or no UTF-8')
    return text
  }

  /** Empty where it is missing. @param length it must have */
  #list(value: BencodeValue | undefined, length?: number): readonly BencodeValue[] {
    if (value === undefined) return []
    if (!isList(value) || (length !== undefined && value.length !== length))
      throw this.#damaged('something else is in the place of a list')
    return value
  }

  #damaged(reason: string): StateError {
    return this.#unusable('not_settings', reason)
  }

  #unusable(code: string, reason: string): StateError {
    return new StateError(code, `Cannot use ${this.#path}: ${reason}`, this.#path)
  }
}

/** Throws RangeError for marks that could not be read again. */
export function requireMarks(marks: readonly string[]): void {
  if (marks.length > MAX_MARKS || marks.some((mark) => encodeUtf8(mark).length > MAX_MARK_BYTES))
    throw new RangeError(`Cannot remember ${marks.length} marks: at most ${MAX_MARKS} of ${MAX_MARK_BYTES} bytes`)
}
