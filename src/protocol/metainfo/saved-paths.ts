// Where the files of a torrent go: names from a stranger become names that every system can hold.
// One deterministic clean-up, the same on all systems, so that content made on one can be seeded on another. It promises:
// - no path leaves the torrent's folder; every element is a legal name on Linux, macOS and Windows;
// - no two files share a path, nor is a file where another file's folder is, even where case, Unicode normalisation
//   or invisible characters make no difference (NTFS, APFS, HFS+, ext4 with casefold);
// - an ordinary name stays as it is; a folder's name never changes because of a file, and the first file with a name keeps it.
import { encodeUtf8 } from '../../base/bytes.ts'

/** UTF-8 bytes of one name: the smallest limit among the file systems in use. */
const MAX_NAME_BYTES = 255
/** UTF-8 bytes of a whole saved path with its separators, so that it fits into macOS's 1,024 with a folder before it. */
export const MAX_PATH_BYTES = 900
/** UTF-8 bytes of an extension (with its dot) that survive when a name is shortened. */
const MAX_EXTENSION_BYTES = 32
/** Room for `.1234567` before the extension. */
const SUFFIX_BYTES = 8

// Overrides, embeddings and isolates let `exe.gpj` be shown as something else; names do not need them.
const BIDI_CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g
// What Windows forbids, all control characters, line separators, what was not UTF-8 (U+FFFD), and what is no character.
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}<>:"/\\|?*\u2028\u2029\ufffd]/gu
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu
const SEPARATORS = '/\\'
const DOTS_AND_SPACES = '. '
const NOTHING_VISIBLE = /^[. ]*$/
const RESERVED = /^(?:con|prn|aux|nul|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$) *(?:\.|$)/i
// What most names are: nothing in them needs a change.
const ORDINARY = /^[\w !#-)+,\-.;=@[\]^`{}~]*[\w)\]}]$/
const PLAIN = /^[ -~]*$/

interface Entry {
  readonly name: string
  /** Null for a file. */
  readonly folder: Folder | null
}

interface Folder {
  readonly name: string
  /** Null for the top folder. */
  readonly parent: Folder | null
  readonly pathBytes: number
  /** By folded name. */
  readonly entries: Map<string, Entry>
  /** The folder asked for last, by the torrent's own name: neighbours in the list mostly share one. */
  recent: { readonly element: string; readonly folder: Folder } | null
  /** Next suffix to try, by folded stem and extension. */
  suffixes: Map<string, number> | null
}

export interface PathToSave {
  /** As in the torrent; bytes that are not UTF-8 as U+FFFD. */
  readonly lenientPath: readonly string[]
  readonly isPad: boolean
}

export interface SavedPaths {
  /** For each file, in order. */
  readonly paths: readonly (readonly string[])[]
  /** Where a path of the torrent (a symlink's target) was saved, below the top folder; empty when it leads nowhere. */
  locate(path: readonly string[]): string[]
}

/** One name, cleaned; empty when nothing is left of it. */
export function savedName(name: string, isFile: boolean): string {
  if (name.length <= MAX_NAME_BYTES && ORDINARY.test(name) && !RESERVED.test(name)) return name
  const bare = trimEnd(trimStart(name.replace(BIDI_CONTROLS, ''), SEPARATORS), SEPARATORS)
  // Windows drops dots and spaces at the end; with them go `.`, `..` and blank names.
  const legal = trimEnd(bare.replace(FORBIDDEN, '_'), DOTS_AND_SPACES)
  if (NOTHING_VISIBLE.test(legal.replace(INVISIBLE, ''))) return ''
  const free = RESERVED.test(legal) ? `_${legal}` : legal
  if (utf8Length(free) <= MAX_NAME_BYTES) return free
  const { stem, extension } = isFile ? split(free) : { stem: free, extension: '' }
  return trimEnd(cut(stem, MAX_NAME_BYTES - utf8Length(extension)) + extension, DOTS_AND_SPACES) || '_'
}

/**
 * Paths for all files of a torrent with several.
 * @param top the cleaned name of the torrent's folder
 */
export function savedPaths(top: string, files: readonly PathToSave[]): SavedPaths {
  const root = makeFolder(top, null)
  // Folders first, then each file that is the first with its name, then the rest with suffixes: nobody loses
  // a name to a made-up one.
  const placed = files.map((file) => (file.isPad ? null : place(root, file.lenientPath)))
  const paths: (readonly string[])[] = files.map(() => [])
  const late: number[] = []
  for (const [i, file] of placed.entries()) {
    if (file === null) continue
    if (claim(file.folder, file.name)) paths[i] = pathOf(file.folder, file.name)
    else late.push(i)
  }
  for (const i of late) {
    const { folder, name } = placed[i]!
    paths[i] = pathOf(folder, claimWithSuffix(folder, name))
  }
  // Pad files are never written: they only get a path that nobody else has.
  const padFolder = claim(root, '.pad') ? '.pad' : claimWithSuffix(root, '.pad')
  for (const [i, file] of files.entries()) if (file.isPad) paths[i] = [top, padFolder, String(i)]
  return { paths, locate: (path) => locate(root, path) }
}

/** Makes the folders of a path; the file's name is cleaned but not claimed. */
function place(root: Folder, path: readonly string[]): { folder: Folder; name: string } {
  const name = savedName(path.at(-1) ?? '', true) || '_'
  const room = MAX_PATH_BYTES - utf8Length(name) - SUFFIX_BYTES
  let folder = root
  for (const element of path.slice(0, -1)) {
    const inner = folderWithin(folder, element)
    if (inner === null) continue
    if (inner.pathBytes + 1 > room) break // too deep: the file goes into the folder above
    folder = inner
  }
  return { folder, name }
}

/** Finds or makes a folder; null when nothing is left of its name. */
function folderWithin(parent: Folder, element: string): Folder | null {
  if (parent.recent?.element === element) return parent.recent.folder
  const name = savedName(element, false)
  if (name === '') return null
  const key = foldName(name)
  let folder = parent.entries.get(key)?.folder
  if (!folder) {
    folder = makeFolder(name, parent)
    parent.entries.set(key, { name, folder })
  }
  parent.recent = { element, folder }
  return folder
}

function claim(folder: Folder, name: string): boolean {
  const key = foldName(name)
  if (folder.entries.has(key)) return false
  folder.entries.set(key, { name, folder: null })
  return true
}

/** `name.1.ext`, `name.2.ext` and so on: the first that is free. */
function claimWithSuffix(folder: Folder, name: string): string {
  const { stem, extension } = split(name)
  const base = cut(stem, MAX_NAME_BYTES - SUFFIX_BYTES - utf8Length(extension))
  // Counted by what the made-up names have in common, so that names which differ only in what was cut off share a counter:
  // all suffixes of a torrent take linear time together.
  const key = `${foldName(base)}/${foldName(extension)}`
  folder.suffixes ??= new Map()
  for (let number = folder.suffixes.get(key) ?? 1; ; number++) {
    const candidate = `${base}.${number}${extension}`
    if (!claim(folder, candidate)) continue
    folder.suffixes.set(key, number + 1)
    return candidate
  }
}

function locate(root: Folder, path: readonly string[]): string[] {
  const located: string[] = []
  let folder: Folder | null = root
  for (const [i, element] of path.entries()) {
    const name = savedName(element, i === path.length - 1)
    if (name === '') continue
    const entry: Entry | undefined = folder?.entries.get(foldName(name))
    located.push(entry?.name ?? name)
    folder = entry?.folder ?? null
  }
  return located
}

function makeFolder(name: string, parent: Folder | null): Folder {
  const pathBytes = (parent === null ? 0 : parent.pathBytes + 1) + utf8Length(name)
  return { name, parent, pathBytes, entries: new Map(), recent: null, suffixes: null }
}

// Built for each file, not kept for each folder: in a deep tree the folders' paths would outgrow everything else.
function pathOf(folder: Folder, name: string): string[] {
  const path = [name]
  for (let above: Folder | null = folder; above !== null; above = above.parent) path.push(above.name)
  return path.reverse()
}

/** Equal for all names that some file system takes for the same one. Coarser than any of them, which only costs a suffix. */
export function foldName(name: string): string {
  if (PLAIN.test(name)) return name.toLowerCase()
  // Lower, upper, lower: full case folding of all but a few letters needs both directions (Kelvin sign, sharp s).
  return name.normalize('NFD').replace(INVISIBLE, '').toLowerCase().toUpperCase().toLowerCase().normalize('NFD')
}

function split(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot) : ''
  if (extension === '' || extension.length > MAX_EXTENSION_BYTES || utf8Length(extension) > MAX_EXTENSION_BYTES) {
    return { stem: name, extension: '' }
  }
  return { stem: name.slice(0, dot), extension }
}

// Not regular expressions: those look for an end from every place, which takes quadratic time in a name of a million dots.
function trimStart(text: string, characters: string): string {
  let start = 0
  while (start < text.length && characters.includes(text[start])) start++
  return text.slice(start)
}

function trimEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text[end - 1])) end--
  return text.slice(0, end)
}

/** The longest beginning that fits into this many UTF-8 bytes, with no character cut in two. */
function cut(text: string, maxBytes: number): string {
  const bytes = encodeUtf8(text)
  if (bytes.length <= maxBytes) return text
  let end = maxBytes
  while ((bytes[end] & 0xc0) === 0x80) end--
  let length = 0
  for (let i = 0; i < end; i++) if ((bytes[i] & 0xc0) !== 0x80) length += bytes[i] >= 0xf0 ? 2 : 1
  return text.slice(0, length)
}

function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) length += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2 // a pair of surrogates is 4 bytes
  }
  return length
}
