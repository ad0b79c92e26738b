import { expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { FakeStateFolder } from '../../../tests/support/fake-state.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { toHex } from '../../base/bytes.ts'
import { StateError, StorageError } from '../../base/errors.ts'
import type { Platform, StateStore } from '../../platform/platform.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { contentLayout } from './content-layout.ts'
import { lockContent, ownPaths, removeContent } from './content-removal.ts'

const PIECE = 16_384
const payload = new Payload('content', 'removal', [
  { path: ['a'], length: PIECE },
  { path: ['sub', 'b'], length: 100 },
])
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const layout = contentLayout(metainfo, new PieceMap(metainfo), { path: '/d' })
const parts = `/d/content/.${toHex(metainfo.infohashV1!)}.parts`

/** A disk that has all of the content, something else, and a journal. */
function stage() {
  const disk = new FakeDisk()
  for (const path of [...ownPaths(layout), '/d/content/mine', '/state/journal']) disk.put(path, new Uint8Array(5))
  return { disk, folder: new FakeStateFolder(disk), platform: { disk } as unknown as Platform }
}

const refusing = (error: Error): StateStore => ({
  bootId: '',
  open: async () => {
    throw error
  },
})

test('a torrent owns its files, and what lies beside them for skipped ones', () => {
  expect(ownPaths(layout)).toEqual(['/d/content/a', '/d/content/sub/b', parts, `${parts}.new`])
})

test('its files go, and what is remembered of it; what is not its own stays', async () => {
  const { disk, folder, platform } = stage()
  expect(await removeContent(platform, layout, folder)).toEqual({ files: 4, bytes: 20, kept: [] })
  expect([...disk.files.keys()]).toEqual(['/d/content/mine'])
  expect(folder.isClosed).toBe(true)
})

test('when the disk refuses, what is remembered stays for a second attempt', async () => {
  const { disk, folder, platform } = stage()
  const refusal = new StorageError(
    'read_only',
    'Cannot delete /d/content/a: the file system is read-only',
    '/d/content/a',
  )
  const volume = Object.assign(disk.volume(), { removeTree: () => Promise.reject(refusal) })
  disk.openVolume = async () => volume
  await expect(removeContent(platform, layout, folder)).rejects.toBe(refusal)
  expect([disk.files.has('/state/journal'), folder.isClosed]).toEqual([true, true])
})

test('content that is open elsewhere is not locked; a state that cannot be used is no hindrance', async () => {
  const inUse = new StateError('in_use', 'Cannot use /d/content: it is open elsewhere', '/d/content')
  const broken = new StorageError('read_only', 'Cannot make /state: the file system is read-only', '/state')
  const lock = (error: Error) => lockContent(refusing(error), metainfo, layout.root)
  await expect(lock(inUse)).rejects.toBe(inUse)
  expect(await lock(broken)).toBeNull()
  expect(await lockContent(null, metainfo, layout.root)).toBeNull()
})
