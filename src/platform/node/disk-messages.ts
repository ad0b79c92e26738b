// What the main thread and a disk thread say to each other. Flat arrays, because cloning them costs half of what objects cost;
// digests travel as Latin-1 text, because cloning a view clones the whole buffer behind it.
import type { CommitResult, FileAttributes, FileSpan, FileState, JournalEntry, RemovedTree } from '../platform.ts'

/** path, offset, length; path, offset, length; ... */
export type PackedSpans = readonly (string | number)[]

/** The path, and the record as Latin-1 text. */
export type PackedEntry = readonly [path: string, record: string]

interface Arguments {
  /** Where files may be made: see `DeviceGuard`. */
  expect: [root: string, device: number]
  commit: [
    slots: readonly number[],
    length: number,
    expected: string,
    wantBlockDigests: boolean,
    spans: PackedSpans,
    journal?: PackedEntry | null,
  ]
  write: [slot: number, offset: number, spans: PackedSpans, journal?: PackedEntry | null]
  hash: [spans: PackedSpans]
  read: [frame: number, spans: PackedSpans]
  sizes: [paths: readonly string[]]
  states: [paths: readonly string[]]
  taken: [paths: readonly string[]]
  /** path, length; path, length; ... */
  ensure: [files: readonly (string | number)[]]
  assemble: [path: string, through: string, from: PackedSpans, offsets: readonly number[]]
  rename: [from: string, to: string]
  copy: [from: PackedSpans, path: string, offset: number]
  remove: [paths: readonly string[]]
  removeTree: [root: string, paths: readonly string[]]
  reserve: [path: string, offset: number, length: number]
  attributes: [root: string, attributes: FileAttributes]
  release: [root: string]
}

interface Results {
  expect: null
  commit: CommitResult
  write: null
  hash: string | null
  read: null
  sizes: readonly number[]
  states: readonly (FileState | null)[]
  taken: number
  ensure: null
  assemble: null
  rename: boolean
  copy: null
  remove: null
  removeTree: RemovedTree
  reserve: null
  attributes: null
  release: null
}

export type OperationKind = keyof Arguments
export type OperationArguments<Kind extends OperationKind> = Arguments[Kind]
export type OperationResult<Kind extends OperationKind> = Results[Kind]

export type Operation = {
  [Kind in OperationKind]: readonly [id: number, kind: Kind, ...Arguments[Kind]]
}[OperationKind]

export type Reply =
  | readonly [id: number, ok: true, result: Results[OperationKind]]
  | readonly [id: number, ok: false, code: string, message: string, path: string]

/** Main thread to disk thread: what was asked for in one turn of the event loop, or that no more comes. */
export type Batch = readonly Operation[] | 'close'

export function packSpans(spans: readonly FileSpan[]): PackedSpans {
  const packed: (string | number)[] = []
  for (const span of spans) packed.push(span.path, span.offset, span.length)
  return packed
}

export function unpackSpans(packed: PackedSpans): FileSpan[] {
  const spans: FileSpan[] = []
  for (let i = 0; i < packed.length; i += 3) {
    spans.push({ path: packed[i] as string, offset: packed[i + 1] as number, length: packed[i + 2] as number })
  }
  return spans
}

export function packEntry(entry: JournalEntry | undefined): PackedEntry | null {
  return entry ? [entry.path, packDigest(entry.record)] : null
}

export function packDigest(digest: Uint8Array): string {
  return String.fromCharCode(...digest)
}

export function unpackDigest(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
