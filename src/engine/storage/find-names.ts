// What the files of a torrent are called at the start of a run; one whose renaming was cut short gets its new name now.
import type { Volume } from '../../platform/platform.ts'
import type { ContentLayout } from './content-layout.ts'
import { type FileNames, PART_SUFFIX } from './file-names.ts'
import type { SettingsKeeper } from './settings-keeper.ts'
import type { TorrentSettings } from './torrent-settings.ts'

/** Rejects with StorageError. @param usesParts what is not there is to be begun as NAME.part */
export async function findNames(
  { names }: ContentLayout,
  volume: Volume,
  settings: SettingsKeeper,
  usesParts: boolean,
): Promise<void> {
  if (!names) return
  const { renaming } = settings.current
  if (renaming && (await finishRenaming(names, volume, renaming))) await settings.save({ renaming: null })
  await names.find(volume, usesParts)
}

/** False: the file is nowhere, which may be because its drive is not there. */
async function finishRenaming(
  names: FileNames,
  volume: Volume,
  { file, from }: NonNullable<TorrentSettings['renaming']>,
): Promise<boolean> {
  const suffixes = ['', PART_SUFFIX]
  const [before, after] = [from, names.name(file)].map((name) =>
    suffixes.map((suffix) => `${names.pathOfName(name)}${suffix}`),
  )
  if ((await volume.kinds(after)).some((kind) => kind !== null)) return true
  const suffix = (await volume.kinds(before)).findIndex((kind) => kind !== null)
  if (suffix < 0) return false
  return volume.rename(before[suffix], after[suffix])
}
