// What completes the files of a torrent once all of its wanted pieces are on disk.
import { fileAttributes } from '../storage/file-attributes.ts'
import type { TorrentContent } from './torrent-content.ts'
import type { TorrentParts } from './torrent-parts.ts'

/** Makes the files that no piece touches, the empty ones. Rejects with StorageError. */
export async function makeEmptyFiles(parts: TorrentParts, { selection }: TorrentContent): Promise<void> {
  const empty = selection.emptyFiles(parts.layout)
  if (empty.length > 0) await parts.download.volume.ensureFiles(empty)
}

/** Symbolic links and executable files (BEP 47). Rejects with StorageError: the content is as good without them. */
export async function applyAttributes(parts: TorrentParts, { metainfo, selection }: TorrentContent): Promise<void> {
  const { layout, download } = parts
  const attributes = fileAttributes(metainfo, layout, (file) => selection.isSkipped(file))
  if (attributes.executables.length === 0 && attributes.links.length === 0) return
  await download.volume.applyAttributes(layout.root, attributes)
}
