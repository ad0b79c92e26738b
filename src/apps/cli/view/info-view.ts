// `shoal info` for people: a table of facts and a tree of files, cut short when it is long.
import type { TorrentFacts } from '../../../index.ts'
import { formatBytes, formatCount } from '../../../base/format.ts'
import { formatRound } from './format.ts'
import { printable } from './printable.ts'
import type { Style } from './style.ts'

const LABEL_COLUMNS = 12
const MAX_TREE_LINES = 40
const MAX_LIST_LINES = 10

/** Lines of text, each safe to print. */
export function renderInfo(facts: TorrentFacts, style: Style): string[] {
  const rows: [label: string, values: readonly string[]][] = [
    ['Name', [facts.name === null ? 'unknown' : style.bold(printable(facts.name))]],
    ['Saved as', savedAs(facts)],
    ['Infohash', [facts.infohash_v1 ?? [], facts.infohash_v2 === null ? [] : `${facts.infohash_v2} (v2)`].flat()],
    ['Size', size(facts)],
    ['Pieces', pieces(facts)],
    ['Private', facts.private === true ? ['yes: peers come from the trackers alone'] : []],
    ['Trackers', abbreviate(trackers(facts))],
    ['Web seeds', abbreviate([...facts.webseeds, ...facts.httpseeds].map(printable))],
    ['Nodes', abbreviate(facts.nodes.map(([host, port]) => printable(`${host}:${port}`)))],
    ['Peers', abbreviate(facts.peers.map(printable))],
    ['Created', created(facts)],
    ['Source', facts.source === null ? [] : [printable(facts.source)]],
    ['Comment', comment(facts)],
  ]
  const lines = rows.flatMap(([label, values]) =>
    values.map((value, i) => style.dim((i === 0 ? label : '').padEnd(LABEL_COLUMNS)) + value),
  )
  const isFolder = facts.files !== null && facts.files.some((file) => file.saved_as.length > 1)
  return isFolder ? [...lines, ...renderTree(facts, style)] : lines
}

function savedAs(facts: TorrentFacts): string[] {
  return facts.saved_name === null || facts.saved_name === facts.name ? [] : [printable(facts.saved_name)]
}

function size(facts: TorrentFacts): string[] {
  if (facts.content_size === null || facts.files === null) return []
  const exact = facts.content_size < 1024 ? '' : ` (${facts.content_size} bytes)`
  const count = facts.files.filter((file) => !file.attr?.includes('p')).length
  return [`${formatBytes(facts.content_size)}${exact} in ${formatCount(count, 'file')}`]
}

function pieces(facts: TorrentFacts): string[] {
  if (facts.piece_length === null) return []
  return [`${facts.pieces_v1 ?? facts.pieces_v2} of ${formatRound(facts.piece_length)}`]
}

function trackers(facts: TorrentFacts): string[] {
  return facts.trackers.map((tier) => tier.map(printable).join(', '))
}

function created(facts: TorrentFacts): string[] {
  const date = facts.creation_date === null ? null : new Date(facts.creation_date * 1000)
  const when =
    date === null || Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
  const by = facts.created_by === null ? '' : `by ${printable(facts.created_by)}`
  const text = [when, by].filter((part) => part !== '').join(' ')
  return text === '' ? [] : [text]
}

function comment(facts: TorrentFacts): readonly string[] {
  return abbreviate(
    (facts.comment ?? '')
      .split('\n')
      .map(printable)
      .filter((line) => line.trim() !== ''),
  )
}

function abbreviate(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_LIST_LINES) return lines
  return [...lines.slice(0, MAX_LIST_LINES - 1), `and ${lines.length - MAX_LIST_LINES + 1} more (--json shows all)`]
}

/** The files as saved, folders named once, in the order of the torrent. */
function renderTree(facts: TorrentFacts, style: Style): string[] {
  const files = facts.files!.filter((file) => !file.attr?.includes('p'))
  const lines = ['']
  let folders: readonly string[] = []
  for (const [i, file] of files.entries()) {
    const parents = file.saved_as.slice(0, -1)
    let shared = 0
    while (shared < parents.length && parents[shared] === folders[shared]) shared++
    for (let depth = shared; depth < parents.length; depth++) {
      lines.push(`${'  '.repeat(depth)}${style.bold(`${printable(parents[depth])}/`)}`)
    }
    folders = parents
    const target =
      file.symlink === undefined ? formatBytes(file.length) : `link to ${printable(file.symlink.join('/'))}`
    lines.push(`${'  '.repeat(parents.length)}${printable(file.saved_as.at(-1)!)}  ${style.dim(target)}`)
    if (lines.length >= MAX_TREE_LINES && i < files.length - 1) {
      lines.push(style.dim(`and ${formatCount(files.length - 1 - i, 'more file')} (--json shows all)`))
      break
    }
  }
  return lines
}
