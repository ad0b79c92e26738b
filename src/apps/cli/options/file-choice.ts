// `--only` and `--priority`: which files of a torrent are meant, by number or by a pattern of their path.
import { InvalidArgumentError } from 'commander'
import type { FilePriority } from '../../../index.ts'

/** Files by number, from 1, both ends included; or those whose path a pattern matches. */
export type FileChoice =
  | { readonly text: string; readonly ranges: readonly (readonly [first: number, last: number])[] }
  | { readonly text: string; readonly pattern: RegExp }

export interface PriorityChoice {
  readonly priority: FilePriority
  readonly files: FileChoice
}

const NUMBERS = /^\d{1,7}(-\d{1,7})?(,\d{1,7}(-\d{1,7})?)*$/
const PRIORITIES: readonly FilePriority[] = ['skip', 'low', 'normal', 'high']
const PRIORITY = /^(skip|low|normal|high):(.+)$/s
const NEXT_PRIORITY = /,(?=(?:skip|low|normal|high):)/

/** `1,3-5`, or a pattern such as `*.mkv`. */
export function parseFileChoice(text: string): FileChoice {
  if (text.trim() === '') throw new InvalidArgumentError("Give numbers of files, such as 1,3-5, or a pattern: '*.mkv'.")
  if (!NUMBERS.test(text)) return { text, pattern: toPattern(text) }
  const ranges = text.split(',').map((range): [number, number] => {
    const [first, last = first] = range.split('-').map(Number)
    if (first > last) throw new InvalidArgumentError(`Give the lower number first: ${last}-${first}.`)
    return [first, last]
  })
  return { text, ranges }
}

/** `high:2,low:7-9`. */
export function parsePriorities(text: string): PriorityChoice[] {
  return text.split(NEXT_PRIORITY).map((part) => {
    const match = PRIORITY.exec(part)
    if (!match) {
      throw new InvalidArgumentError(`Give one of ${PRIORITIES.join(', ')} with its files, such as high:2,low:7-9.`)
    }
    return { priority: match[1] as FilePriority, files: parseFileChoice(match[2]) }
  })
}

/**
 * As shells have it: `*` and `?` stand for characters within a name, `**` for whatever is between. A pattern without a slash
 * matches names at any depth, one with a slash paths from the torrent's folder on; a folder that matches brings all that is in
 * it. Upper and lower case are the same.
 */
function toPattern(text: string): RegExp {
  const trimmed = text.replace(/^\.?\/+|\/+$/g, '')
  const source = trimmed.replace(/\*\*\/?|[*?]|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    return part === '?' ? '[^/]' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  const start = trimmed.includes('/') ? '^' : '^(?:.*/)?'
  return new RegExp(`${start}${source}(?:/.*)?$`, 'isu')
}
