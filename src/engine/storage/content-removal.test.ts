import { describe, expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { FakeStateFolder } from '../../../tests/support/fake-state.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { toHex } from '../../base/bytes.ts'
import { StateError, StorageError } from '../../base/errors.ts'
import type { StateStore } from '../../platform/platform.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { contentLayout } from './content-layout.ts'
import { lockContent, ownPaths, removeContent } from './content-removal.ts'
import { SettingsKeeper } from './settings-keeper.ts'

const PIECE = 16_384
const payload = new Payload('content', 'removal', [
  { path: ['a'], length: PIECE },
  { path: ['sub', 'b'], length: 100 },
])
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/d' })
const parts = `/d/content/.${toHex(metainfo.infohashV1!)}.parts`

/** A disk that has all of the content, something else, and a journal. */
function stage() {
  const disk = new FakeDisk()
  for (const path of [...ownPaths(layout), '/d/content/mine', '/state/journal']) disk.put(path, new Uint8Array(5))
  const folder = new FakeStateFolder(disk)
  return { disk, folder, platform: { disk, state: null }, content: { layout, folder } }
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
  const { disk, folder, platform, content } = stage()
  expect(await removeContent(platform, content)).toEqual({ files: 4, bytes: 20, kept: [] })
  expect([...disk.files.keys()]).toEqual(['/d/content/mine'])
  expect(folder.isClosed).toBe(true)
})

test('when the disk refuses, what is remembered stays for a second attempt', async () => {
  const { disk, folder, platform, content } = stage()
  const refusal = new StorageError(
    'read_only',
    'Cannot delete /d/content/a: the file system is read-only',
    '/d/content/a',
  )
  const volume = Object.assign(disk.volume(), { removeTree: () => Promise.reject(refusal) })
  disk.openVolume = async () => volume
  await expect(removeContent(platform, content)).rejects.toBe(refusal)
  expect([disk.files.has('/state/journal'), folder.isClosed]).toEqual([true, true])
})

describe('locking', () => {
  const lock = (state: StateStore | null, { disk }: { disk: FakeDisk } = stage()) =>
    lockContent({ platform: { disk, state }, metainfo, map, location: { path: '/d' } })

  test('fails when the content is open elsewhere', async () => {
    const inUse = new StateError('in_use', 'Cannot use /d/content: it is open elsewhere', '/d/content')
    await expect(lock(refusing(inUse))).rejects.toBe(inUse)
  })

  test('goes on without a state that cannot be used', async () => {
    const broken = new StorageError('read_only', 'Cannot make /state: the file system is read-only', '/state')
    expect((await lock(refusing(broken))).folder).toBeNull()
    expect((await lock(null)).folder).toBeNull()
  })

  test('fails when the drive of the content is not connected, and forgets nothing', async () => {
    const { disk, folder } = stage()
    for (const path of ownPaths(layout)) disk.files.delete(path)
    const settings = await SettingsKeeper.open(folder, metainfo, () => {})
    await settings.save({ marks: ['another file system'] })
    const locking = lock({ bootId: '', open: async () => folder }, { disk })
    await expect(locking).rejects.toMatchObject({ code: 'drive_gone', path: '/d/content' })
    expect([folder.isClosed, disk.files.has('/state/journal')]).toEqual([true, true])
  })

  test('finds files under the names that were chosen for them, complete or not', async () => {
    const { disk, folder } = stage()
    for (const path of ['/d/content/a', '/d/content/sub/b']) disk.files.delete(path)
    disk.put('/d/content/new/name', new Uint8Array(5))
    disk.put('/d/content/sub/b.part', new Uint8Array(5))
    const settings = await SettingsKeeper.open(folder, metainfo, () => {})
    await settings.save({ names: new Map([[0, ['new', 'name']]]) })
    const found = await lock({ bootId: '', open: async () => folder }, { disk })
    expect(ownPaths(found.layout)).toEqual(['/d/content/new/name', '/d/content/sub/b.part', parts, `${parts}.new`])
  })
})
