// Opens what is remembered of one torrent at one place. A journal that cannot be used never stops a torrent: it is set aside,
// and the data is checked as if nothing had been remembered.
import { Bitfield } from '../../../base/bitfield.ts'
import { formatCount } from '../../../base/format.ts'
import type { FileState } from '../../../platform/platform.ts'
import { type JournalIdentity, type ParsedJournal, parseJournal } from './journal-format.ts'
import { JOURNAL_NAME, JournalKeeper, type KeeperOptions } from './journal-keeper.ts'
import { type Replayed, replayJournal } from './journal-replay.ts'

/** Far beyond what a torrent of the most pieces and files can bring about before its journal is replaced. */
const MAX_JOURNAL_BYTES = 256 * 2 ** 20

export interface OpenJournalOptions extends Omit<KeeperOptions, 'identity'> {
  readonly identity: Omit<JournalIdentity, 'contentPath'>
  /** Nothing that is remembered is to be believed. Default false. */
  readonly isDistrusted?: boolean
  /** A line for whoever looks for a fault. */
  readonly log: (message: string) => void
}

export interface OpenedJournal {
  readonly keeper: JournalKeeper
  /** Null: nothing is remembered, all that is there must be looked at. */
  readonly known: Replayed | null
}

/** Rejects with StorageError. The folder stays the caller's then. */
export async function openJournal(options: OpenJournalOptions): Promise<OpenedJournal> {
  const { folder, geometry } = options
  const identity = { ...options.identity, contentPath: folder.contentPath }
  const found = options.isDistrusted ? null : await readJournal(options, identity)
  const empty = { synced: new Bitfield(geometry.pieceCount), recorded: new Map(), blocks: new Map(), length: 0 }
  const keeper = (start: ConstructorParameters<typeof JournalKeeper>[1]): JournalKeeper =>
    new JournalKeeper({ ...options, identity }, start)
  if (!found) return { keeper: keeper({ ...empty, isStale: true }), known: null }
  const { journal, length } = found
  const known = await replay(found, options)
  const isStale = journal.isTorn || known.unsure.length > 0
  return { keeper: keeper({ ...known, length, isStale }), known }
}

interface Found {
  readonly journal: ParsedJournal
  /** Bytes. */
  readonly length: number
  /** When it was changed last. */
  readonly mtimeNs: bigint
}

/** Null where there is none that can be used. */
async function readJournal({ folder, log }: OpenJournalOptions, identity: JournalIdentity): Promise<Found | null> {
  try {
    const file = await folder.read(JOURNAL_NAME, MAX_JOURNAL_BYTES)
    if (!file) return null
    const { bytes, mtimeNs } = file
    return { journal: parseJournal(bytes, identity, folder.path(JOURNAL_NAME)), length: bytes.length, mtimeNs }
  } catch (error) {
    const aside = await folder.setAside(JOURNAL_NAME)
    log(`${(error as Error).message}; it is kept as ${aside}, and the data is checked instead`)
    return null
  }
}

async function replay({ journal, mtimeNs }: Found, options: OpenJournalOptions): Promise<Replayed> {
  const { geometry, bootId, pathOf, log } = options
  const states = await lookAtFiles(options)
  const known = replayJournal(journal, { geometry, bootId, states, aliveNs: mtimeNs })
  const [first, ...others] = known.changedFiles
  if (first !== undefined) log(changedSentence(pathOf(first), others.length))
  return known
}

function changedSentence(path: string, others: number): string {
  if (others === 0) return `${path} has been changed or removed by somebody else: it is checked again`
  return `${path} and ${formatCount(others, 'more file')} have been changed or removed by somebody else: they are checked again`
}

/** What each file of the torrent looks like, by its index. */
async function lookAtFiles({ volume, pathOf, identity }: OpenJournalOptions): Promise<readonly (FileState | null)[]> {
  const paths = Array.from({ length: identity.fileCount }, (_, file) => pathOf(file))
  const stored = paths.flatMap((path, file) => (path === '' ? [] : [file]))
  const looks = await volume.states(stored.map((file) => paths[file]))
  const states = Array<FileState | null>(paths.length).fill(null)
  for (const [i, file] of stored.entries()) states[file] = looks[i]
  return states
}
