// The files of a torrent as people know them: numbered from 1, without padding; and which of them somebody wants.
import { formatBytes } from '../../base/format.ts'
import type { FilePriority, Metainfo } from '../../index.ts'
import { usageError } from './command-error.ts'
import type { FileChoice, PriorityChoice } from './options/file-choice.ts'
import { printable } from './view/printable.ts'

export interface NumberedFile {
  /** From 1. */
  readonly number: number
  /** In the torrent, from 0, padding counted. */
  readonly index: number
  /** Below the torrent's folder; of a torrent of one file, its name. */
  readonly path: string
  /** Bytes. */
  readonly length: number
}

export function numberedFiles({ files, isSingleFile }: Metainfo): NumberedFile[] {
  return [...files.entries()]
    .filter(([, { isPad }]) => !isPad)
    .map(([index, { savedAs, length }], i) => {
      const path = (isSingleFile ? savedAs : savedAs.slice(1)).join('/')
      return { number: i + 1, index, path, length }
    })
}

/** A line for each file: number, size, path; safe to print. */
export function renderFiles(files: readonly NumberedFile[]): string[] {
  const rows = files.map(({ number, length, path }) => [String(number), formatBytes(length), printable(path)] as const)
  const [numberColumns, sizeColumns] = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column].length)))
  return rows.map(([number, size, path]) => `${number.padStart(numberColumns)}  ${size.padStart(sizeColumns)}  ${path}`)
}

export interface Wishes {
  /** Nothing but these. */
  readonly only?: readonly FileChoice[]
  /** The later ones prevail. */
  readonly priorities?: readonly PriorityChoice[]
}

/** One priority for each file of the torrent. Throws CommandError for a choice that no file meets, or that leaves none. */
export function prioritiesOf(metainfo: Metainfo, { only, priorities = [] }: Wishes): FilePriority[] {
  const files = numberedFiles(metainfo)
  const chosen = metainfo.files.map((): FilePriority => (only ? 'skip' : 'normal'))
  for (const choice of only ?? []) for (const { index } of meant(files, choice)) chosen[index] = 'normal'
  for (const { priority, files: choice } of priorities) {
    for (const { index } of meant(files, choice)) chosen[index] = priority
  }
  if (files.every(({ index }) => chosen[index] === 'skip')) throw usageError('No file is left to download')
  return chosen
}

function meant(files: readonly NumberedFile[], choice: FileChoice): NumberedFile[] {
  const count = files.length === 1 ? 'one file' : `${files.length} files`
  const help = `this torrent has ${count}; see them with --list-files`
  if ('pattern' in choice) {
    const found = files.filter(({ path }) => choice.pattern.test(path))
    if (found.length === 0) throw usageError(`No file matches ${choice.text}: ${help}`)
    return found
  }
  return choice.ranges.flatMap(([first, last]) => {
    const missing = first < 1 ? first : last > files.length ? last : null
    if (missing !== null) throw usageError(`There is no file ${missing}: ${help}`)
    return files.slice(first - 1, last)
  })
}
