import { expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { FakeStateFolder } from '../../../tests/support/fake-state.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { encodeUtf8 } from '../../base/bytes.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { SettingsKeeper } from './settings-keeper.ts'
import { NO_SETTINGS } from './torrent-settings.ts'

const payload = new Payload('content', 'settings', [
  { path: ['a'], length: 10 },
  { path: ['b'], length: 10 },
])
const metainfo = parseTorrent(makeTorrent(payload, 16_384).file())

function world(): { disk: FakeDisk; folder: FakeStateFolder; warnings: string[]; open: () => Promise<SettingsKeeper> } {
  const disk = new FakeDisk()
  const folder = new FakeStateFolder(disk)
  const warnings: string[] = []
  return { disk, folder, warnings, open: () => SettingsKeeper.open(folder, metainfo, (line) => warnings.push(line)) }
}

test('what is saved is found by the next one', async () => {
  const { open, warnings } = world()
  const keeper = await open()
  expect(keeper.current).toEqual(NO_SETTINGS)
  await keeper.save({ marks: ['here'] })
  await keeper.save({ priorities: new Map([[1, 'skip']]) })
  const again = await open()
  expect(again.current).toEqual({ ...NO_SETTINGS, marks: ['here'], priorities: new Map([[1, 'skip']]) })
  expect(warnings).toEqual([])
})

test('of changes at once the last one prevails, and what comes after the end is not written', async () => {
  const { open } = world()
  const keeper = await open()
  void keeper.save({ marks: ['1'] })
  void keeper.save({ marks: ['2'] })
  await keeper.close()
  expect(await keeper.save({ marks: ['3'] })).toBe(false)
  expect(keeper.current.marks).toEqual(['3'])
  expect((await open()).current.marks).toEqual(['2'])
})

test('what is damaged is set aside with a warning, and the torrent goes on without', async () => {
  const { disk, folder, open, warnings } = world()
  disk.put(folder.path('settings'), encodeUtf8('nonsense'))
  expect((await open()).current).toEqual(NO_SETTINGS)
  expect(warnings).toEqual([
    expect.stringMatching(/^Cannot use \/state\/settings: .* kept as \/state\/settings.unusable/),
  ])
  expect(disk.files.has(folder.path('settings.unusable'))).toBe(true)
  expect(disk.files.has(folder.path('settings'))).toBe(false)
})

test('a disk that refuses is told of, and the choice holds all the same', async () => {
  const { folder, open, warnings } = world()
  const keeper = await open()
  folder.failure = 'disk_full'
  expect(await keeper.save({ marks: ['here'] })).toBe(false)
  expect(keeper.current.marks).toEqual(['here'])
  expect(warnings).toEqual([expect.stringContaining('not remembered')])
})

test('without a folder it is kept while the program runs', async () => {
  const keeper = await SettingsKeeper.open(null, metainfo, () => {})
  expect(await keeper.save({ marks: ['here'] })).toBe(true)
  expect(keeper.current.marks).toEqual(['here'])
})

test('marks that could not be read again are refused as the fault of the caller', async () => {
  const keeper = await SettingsKeeper.open(null, metainfo, () => {})
  expect(() => keeper.save({ marks: ['1', '2', '3', '4', '5'] })).toThrow(RangeError)
})
