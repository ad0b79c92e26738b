// Finds content that was moved or renamed, by what is remembered at the place where it was, and brings a move to its end that was
// cut short (content-move.ts). Where the content is there counts, not what was planned.
import type { Disk, StateFolder, Volume } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { rebased, removeOriginal } from './content-copy.ts'
import { type ContentLayout, contentLayout, locationOf } from './content-layout.ts'
import { PART_SUFFIX } from './file-names.ts'
import { findNames } from './find-names.ts'
import { SettingsKeeper } from './settings-keeper.ts'

export interface MovedContentOptions {
  readonly disk: Disk
  readonly metainfo: Metainfo
  readonly map: PieceMap
  /** Opens what is remembered of this place. */
  readonly open: (root: string) => Promise<StateFolder>
  /** A line for whoever looks for a fault. */
  readonly warn: (message: string) => void
}

export interface FoundContent {
  readonly root: string
  readonly folder: StateFolder
  readonly settings: SettingsKeeper
}

/** Names that a torrent is given one after the other; beyond, somebody plays tricks. */
const MOST_STEPS = 16

/** Where the content is that was at `root`; there, when it is nowhere. Its folder is open, no other is. */
export async function findContent(options: MovedContentOptions, root: string): Promise<FoundContent> {
  let at = await open(options, root)
  const seen = new Set<string>()
  for (let next = await follow(options, at); next !== null; next = await follow(options, at)) {
    seen.add(at.root)
    if (seen.has(next) || seen.size > MOST_STEPS) break
    at = await open(options, next)
  }
  if (at.root === root && !seen.has(root)) return at
  if (!seen.has(at.root) && (await isThere(options, at.root))) return at
  if (!seen.has(at.root)) await at.folder.close()
  return open(options, root)
}

async function open(options: MovedContentOptions, root: string): Promise<FoundContent> {
  const folder = await options.open(root)
  return { root, folder, settings: await SettingsKeeper.open(folder, options.metainfo, options.warn) }
}

/** Where to look next: then the place is closed. Null: here. */
async function follow(options: MovedContentOptions, at: FoundContent): Promise<string | null> {
  const { moved } = at.settings.current
  if (!moved) return null
  const hasArrived = await isThere(options, moved.to)
  if (!hasArrived && (await isThere(options, at.root))) {
    await at.settings.save({ moved: null })
    return null
  }
  if (hasArrived && !moved.isDone) await finish(options, at, moved.to)
  else await at.folder.close()
  return moved.to
}

/** What is left of the content at its old place is removed, and what is remembered there. */
async function finish(
  options: MovedContentOptions,
  { root, folder, settings }: FoundContent,
  to: string,
): Promise<void> {
  const { disk, metainfo, map, warn } = options
  try {
    const volume = await disk.openVolume(root)
    const layout = contentLayout(metainfo, map, locationOf(root), settings.current.names)
    await findNames(layout, volume, settings, false)
    if (await isCopied(options.disk, volume, layout, to)) await removeOriginal(volume, layout)
    else warn(`The content is at ${to} now; what is left at ${root} is not the same, and stays`)
  } catch (error) {
    warn((error as Error).message)
  }
  if (locationOf(folder.contentPath).path !== locationOf(to).path)
    return folder.remove().catch((error: Error) => warn(error.message))
  await settings.save({ moved: { to, isDone: true } })
  await folder.close()
}

/** Whether each file that is left is at the new place, as long as here: nothing else may be removed. */
async function isCopied(disk: Disk, volume: Volume, { root, paths }: ContentLayout, to: string): Promise<boolean> {
  const own = paths.filter((path) => path !== '')
  const target = await disk.openVolume(to)
  const [left, arrived] = await Promise.all([
    volume.sizes(own),
    target.sizes(own.map((path) => rebased(path, root, to))),
  ])
  return left.every((size, i) => size < 0 || size === arrived[i])
}

async function isThere({ disk, metainfo }: MovedContentOptions, root: string): Promise<boolean> {
  const volume = await disk.openVolume(root)
  const kinds = await volume.kinds(metainfo.isSingleFile ? [root, `${root}${PART_SUFFIX}`] : [root])
  return kinds.some((kind) => kind !== null)
}
