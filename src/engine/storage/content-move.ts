// Moves the content of a torrent, which nobody has open, to another folder or another name, with all that is remembered of it, so
// that nothing is looked at again there.
//
// On one file system the content gets another name. To another one it is copied under a name of its own, made safe, verified, and
// then gets its name. Either way there is one moment at which it changes its place, and at any moment there is a place where all of
// it is with its journal:
//
//   1. state of the new place written: it says nothing before the content is there
//   2. the old state says where the content goes: that counts from when it is there
//   3. the content gets its new name  <- the moment
//   4. the copy's original is removed
//   5. the old state is removed; after a change of the name alone it goes on telling where the content is
import type { Bitfield } from '../../base/bitfield.ts'
import { concatBytes } from '../../base/bytes.ts'
import { StorageError } from '../../base/errors.ts'
import type { FileState, Platform, StateFolder, Volume } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { checkContent } from './content-check.ts'
import { copyContent, type MoveProgress, parentOf, rebased, removeOriginal, temporaryRoot } from './content-copy.ts'
import { type ContentLayout, contentLayout, contentRoot, type ContentLocation } from './content-layout.ts'
import { ownPaths } from './content-removal.ts'
import { fileAttributes } from './file-attributes.ts'
import { findNames } from './find-names.ts'
import { encodeRecord } from './journal/journal-format.ts'
import { journalGeometry, journalIdentity } from './journal/journal-geometry.ts'
import { JOURNAL_NAME } from './journal/journal-keeper.ts'
import { encodeSnapshot } from './journal/journal-snapshot.ts'
import { openJournal } from './journal/open-journal.ts'
import type { Replayed } from './journal/journal-replay.ts'
import { openState } from './open-state.ts'
import { SettingsKeeper } from './settings-keeper.ts'
import type { TorrentSettings } from './torrent-settings.ts'

export interface ContentMove {
  readonly platform: Platform
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly from: ContentLocation
  readonly to: ContentLocation
  /** What this program knows of the settings, where nothing is remembered. */
  readonly earlier?: TorrentSettings
  readonly onProgress: (progress: MoveProgress) => void
  /** Asked after each step of copying: true ends it, with `interrupted`. */
  readonly isStopped: () => boolean
  /** Something that does not hinder the move. */
  readonly warn: (message: string) => void
}

/** A place, open for this process alone. */
interface Place {
  readonly root: string
  readonly folder: StateFolder | null
  /** What was kept there is removed, and it is closed. */
  isForgotten: boolean
}

interface Source {
  readonly place: Place
  readonly layout: ContentLayout
  readonly volume: Volume
  readonly settings: SettingsKeeper
}

/** What is known of the content. */
interface Knowledge {
  readonly have: Bitfield
  readonly blocks: Replayed['blocks']
}

/**
 * Resolves when the content is at the new place. Rejects, and then it is where it was: with StorageError (`exists`, `is_link`,
 * `inside_itself`, `disk_full`, `copy_damaged`, `interrupted`, ...), with StateError `in_use` when either place is open elsewhere.
 */
export async function moveContent(move: ContentMove): Promise<void> {
  const [from, to] = [contentRoot(move.metainfo, move.from), contentRoot(move.metainfo, move.to)]
  if (from === to) return
  requireOutside(from, to)
  const { state } = move.platform
  const open = async (root: string): Promise<Place> => {
    return { root, folder: state && (await openState(state, move.metainfo, root)), isForgotten: false }
  }
  const old = await open(from)
  try {
    const next = await open(to)
    try {
      requireOutside(absolute(old), absolute(next))
      await moveBetween(move, old, next)
    } finally {
      await close(next)
    }
  } finally {
    await close(old)
  }
}

/** As the state store knows it: the same for all ways that lead there. */
function absolute({ root, folder }: Place): string {
  return folder?.contentPath ?? root
}

function requireOutside(from: string, to: string): void {
  if (!to.startsWith(`${from}/`)) return
  const message = `Cannot move ${from} to ${to}: that is within itself; choose another folder`
  throw new StorageError('inside_itself', message, to)
}

async function close({ folder, isForgotten }: Place): Promise<void> {
  if (!isForgotten) await folder?.close()
}

async function forget(place: Place): Promise<void> {
  place.isForgotten = true
  await place.folder?.remove()
}

async function moveBetween(move: ContentMove, old: Place, next: Place): Promise<void> {
  const source = await openSource(move, old)
  const target = await move.platform.disk.openVolume(next.root)
  const top = rebased(source.layout.top, old.root, next.root)
  const [kind] = await source.volume.kinds([source.layout.top])
  await requireMovable(kind, source, target, next)
  if (kind === null) {
    await remember(move, source, next, null, new Map())
    return forgetOld(move, source, next)
  }
  const known = await knowledgeOf(move, source)
  try {
    if (!(await renameContent(move, source, target, next, top, known)))
      await copyAndSwitch(move, source, target, next, top, known)
  } finally {
    await target.release(top)
    await source.volume.release(source.layout.top)
  }
  await forgetOld(move, source, next)
}

async function openSource(move: ContentMove, place: Place): Promise<Source> {
  const { metainfo, map, from, platform, earlier, warn } = move
  const settings = await SettingsKeeper.open(place.folder, metainfo, warn, earlier)
  const layout = contentLayout(metainfo, map, from, settings.current.names)
  const volume = await platform.disk.openVolume(place.root)
  await findNames(layout, volume, settings, false)
  await layout.places?.find(volume, (file) => settings.current.priorities.get(file) === 'skip')
  return { place, layout, volume, settings }
}

async function requireMovable(kind: string | null, { layout }: Source, target: Volume, { root }: Place): Promise<void> {
  const { top } = layout
  if (kind === 'link')
    throw new StorageError(
      'is_link',
      `Cannot move ${top}: it is a symbolic link; move what it leads to, and the link, yourself`,
      top,
    )
  const there = [root, rebased(top, layout.root, root)]
  const kinds = await target.kinds(there)
  const taken = kinds.findIndex((each) => each !== null)
  if (taken < 0) return
  throw new StorageError(
    'exists',
    `Cannot move ${top}: ${there[taken]} is there already; move it away, or choose another folder`,
    there[taken],
  )
}

/** What is verified, and what is under way. What is not sure is looked at, because the new journal says that all of it is. */
async function knowledgeOf(
  move: ContentMove,
  { place: { folder }, layout, volume }: Source,
): Promise<Knowledge | null> {
  const { metainfo, map, platform, warn } = move
  if (!folder) return null
  const { known } = await openJournal({
    folder,
    volume,
    identity: journalIdentity(metainfo, map),
    geometry: journalGeometry(metainfo, map, layout.places),
    pathOf: (file) => layout.paths[file] ?? layout.places?.partsPath ?? '',
    bootId: platform.state!.bootId,
    now: () => platform.clock.now(),
    onFailed: () => {},
    log: warn,
  })
  if (!known) return null
  const have = known.have.copy()
  if (known.unsure.length > 0) {
    await checkContent({
      map,
      layout,
      volume,
      pieceHashes: metainfo.pieceHashes!,
      wanted: new Set(known.unsure),
      onGood: (piece) => have.set(piece),
      onProgress: () => {},
      isStopped: () => false,
    })
  }
  return { have, blocks: known.blocks }
}

/** False: the places are on different file systems, and nothing has changed. */
async function renameContent(
  move: ContentMove,
  source: Source,
  target: Volume,
  next: Place,
  top: string,
  known: Knowledge | null,
): Promise<boolean> {
  const { layout, volume } = source
  if (volume.fileSystem !== target.fileSystem) return false
  const paths = pathsOnDisk(layout)
  const states = await volume.states(paths)
  const there = paths.filter((_, i) => states[i] !== null)
  const synced = await volume.sync(there)
  await remember(move, source, next, known, new Map(there.map((path, i) => [path, synced[i]])))
  try {
    if (!(await volume.rename(layout.top, top))) return false
    await volume.syncFolders([...new Set([parentOf(top), parentOf(layout.top)])])
    return true
  } catch (error) {
    await takeBack(source, next)
    throw error
  }
}

async function copyAndSwitch(
  move: ContentMove,
  source: Source,
  target: Volume,
  next: Place,
  top: string,
  known: Knowledge | null,
): Promise<void> {
  const { metainfo, map, onProgress, isStopped } = move
  const { layout, volume } = source
  const root = temporaryRoot(metainfo, parentOf(next.root))
  const temporary = rebased(layout.top, layout.root, root)
  const own = ownPaths(layout).map((path) => rebased(path, layout.root, root))
  const removeCopy = async (): Promise<unknown> => target.removeTree(temporary, own)
  try {
    // An attempt that was cut short has left it.
    await removeCopy()
    const have = known?.have ?? null
    const looks = await copyContent({ metainfo, map, layout, volume, target, root, have, onProgress, isStopped })
    await copyAttributes(move, source, target, root)
    await remember(move, source, next, known, looks)
    if (!(await target.rename(temporary, top)))
      throw new StorageError('io_error', `Cannot rename ${temporary} to ${top}`, top)
    await target.syncFolders([parentOf(top)])
  } catch (error) {
    await removeCopy().catch(() => {})
    await takeBack(source, next)
    throw error
  }
  try {
    await removeOriginal(volume, layout)
  } catch (error) {
    move.warn(`The content is at ${top} now, but ${(error as Error).message}`)
  }
}

/** Where they cannot be had, the content is as good without them. */
async function copyAttributes(
  { metainfo, warn }: ContentMove,
  { layout, settings }: Source,
  target: Volume,
  root: string,
): Promise<void> {
  const paths = layout.paths.map((path) => (path === '' ? '' : rebased(path, layout.root, root)))
  const isSkipped = (file: number): boolean => settings.current.priorities.get(file) === 'skip'
  const attributes = fileAttributes(metainfo, { root, paths }, isSkipped)
  if (attributes.executables.length === 0 && attributes.links.length === 0) return
  await target.applyAttributes(root, attributes).catch((error: Error) => warn(error.message))
}

/** Steps 1 and 2: both places know of the move. @param looks what the files look like there, by their path here */
async function remember(
  { metainfo, map, platform, warn }: ContentMove,
  { layout, settings }: Source,
  next: Place,
  known: Knowledge | null,
  looks: ReadonlyMap<string, FileState>,
): Promise<void> {
  const { folder } = next
  if (!folder) return
  if (known) {
    const content = {
      identity: { ...journalIdentity(metainfo, map), contentPath: folder.contentPath },
      bootId: platform.state!.bootId,
      have: known.have,
      synced: known.have,
      blocks: new Map([...known.blocks].map(([piece, bits]) => [piece, { all: bits, synced: bits }])),
      recorded: recordedBy(layout, looks),
    }
    await folder.replace(JOURNAL_NAME, concatBytes([encodeSnapshot(content), encodeRecord({ kind: 'closed' })]))
  } else {
    // What an earlier content of this place has left says nothing of this one.
    await folder.setAside(JOURNAL_NAME).catch(() => {})
  }
  const theirs = await SettingsKeeper.open(folder, metainfo, warn)
  await theirs.save({ ...settings.current, moved: null, marks: [] })
  await settings.save({ moved: { to: folder.contentPath, isDone: false } })
}

function recordedBy(layout: ContentLayout, looks: ReadonlyMap<string, FileState>): Map<number, FileState> {
  const paths = [...layout.paths, layout.places?.partsPath ?? '']
  return new Map(
    paths.flatMap((path, file): [number, FileState][] => {
      const state = looks.get(path)
      return state ? [[file, state]] : []
    }),
  )
}

/** The content stays where it is. */
async function takeBack({ settings }: Source, next: Place): Promise<void> {
  await settings.save({ moved: null })
  await forget(next).catch(() => {})
}

/** Step 5. */
async function forgetOld({ warn }: ContentMove, { place, settings }: Source, next: Place): Promise<void> {
  if (parentOf(absolute(place)) === parentOf(absolute(next)))
    await settings.save({ moved: { to: absolute(next), isDone: true } })
  else await forget(place).catch((error: Error) => warn(error.message))
}

function pathsOnDisk(layout: ContentLayout): string[] {
  return [...layout.paths.filter((path) => path !== ''), ...(layout.places ? [layout.places.partsPath] : [])]
}
