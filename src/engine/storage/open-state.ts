// What is remembered of a torrent at one place: how it is called, and what it means when it cannot be had. A torrent can do without,
// but two that write the same files would undo each other's work.
import { toHex } from '../../base/bytes.ts'
import { StateError } from '../../base/errors.ts'
import type { StateFolder, StateStore } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'

/**
 * @param root the file or folder that holds the content. Rejects with StateError `in_use` when it is open elsewhere, with
 * StorageError when the disk refuses.
 */
export function openState(
  state: StateStore,
  { infohashV1, infohashV2 }: Pick<Metainfo, 'infohashV1' | 'infohashV2'>,
  root: string,
): Promise<StateFolder> {
  return state.open(toHex((infohashV1 ?? infohashV2)!), root)
}

/** Null, which `onLacking` is told the reason of, where nothing can be remembered. Rejects with StateError `in_use`. */
export async function unlessLacking<Opened>(
  opening: Promise<Opened>,
  onLacking: (error: Error) => void,
): Promise<Opened | null> {
  try {
    return await opening
  } catch (error) {
    if (error instanceof StateError && error.code === 'in_use') throw error
    onLacking(error as Error)
    return null
  }
}
