// Removing content that no session has: what the command `remove` does.
import { toHex } from '../base/bytes.ts'
import type { ContentLayout, ContentLocation } from '../engine/storage/content-layout.ts'
import { lockContent, ownPaths, removeContent } from '../engine/storage/content-removal.ts'
import { MetadataStore } from '../engine/storage/metadata-store.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import { type Metainfo, PieceMap } from '../protocol/metainfo/index.ts'
import type { Disk, RemovedTree } from '../platform/platform.ts'
import { stateOption } from './state-option.ts'

export interface RemovalOptions {
  /** Where it is remembered what is verified, as for `createSession`. Default false: nowhere. */
  readonly state?: string | boolean
}

/** Content that may be removed, and that nobody else can open meanwhile. */
export interface ContentRemoval {
  /** The torrent's file or top folder. */
  readonly root: string
  /** The torrent's own files that are there, with their sizes in bytes. */
  readonly files: readonly { readonly path: string; readonly length: number }[]
  /** Deletes them, the folders that are empty then, and what is remembered of the torrent at this place; closes. */
  remove(): Promise<RemovedTree>
  /** Leaves everything as it is. */
  close(): Promise<void>
}

/**
 * Finds what of a torrent is on disk at one place. To be closed, or removed, in the end.
 * Rejects with StateError `in_use` when a session has it open, with StorageError when the disk does not answer.
 */
export async function openRemoval(
  torrent: Metainfo,
  location: ContentLocation,
  { state = false }: RemovalOptions = {},
): Promise<ContentRemoval> {
  const platform = createNodePlatform({ workers: 0, ...stateOption(state) })
  const { disk } = platform
  const { infohashV1 } = torrent
  try {
    const content = await lockContent({ platform, metainfo: torrent, map: new PieceMap(torrent), location })
    let isOpen = true
    const close = async (): Promise<void> => {
      if (isOpen) await content.folder?.close()
      isOpen = false
      await disk.close()
    }
    const remove = async (): Promise<RemovedTree> => {
      isOpen = false
      try {
        if (infohashV1)
          await new MetadataStore({ state: platform.state, infohash: toHex(infohashV1), warn() {} }).forget()
        return await removeContent(platform, content)
      } finally {
        await disk.close()
      }
    }
    try {
      return { root: content.layout.top, files: await filesIn(disk, content.layout), remove, close }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    await disk.close()
    throw error
  }
}

async function filesIn(disk: Disk, layout: ContentLayout): Promise<{ path: string; length: number }[]> {
  const paths = ownPaths(layout)
  const volume = await disk.openVolume(layout.root)
  const sizes = await volume.sizes(paths)
  return paths.flatMap((path, i) => (sizes[i] < 0 ? [] : [{ path, length: sizes[i] }]))
}
