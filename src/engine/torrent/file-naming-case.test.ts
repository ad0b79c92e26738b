// Names on a file system that knows no case: there the old name of a file may be its new one.
import { expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { Bitfield } from '../../base/bitfield.ts'
import type { Volume } from '../../platform/platform.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { contentLayout } from '../storage/content-layout.ts'
import { SettingsKeeper } from '../storage/settings-keeper.ts'
import { FileNaming } from './file-naming.ts'

const PIECE = 16_384

function caselessVolume(disk: FakeDisk): Volume {
  const volume = disk.volume()
  const folded = (paths: readonly string[]): string[] => paths.map((path) => path.toLowerCase())
  return Object.assign(Object.create(volume) as Volume, {
    kinds: (paths: readonly string[]) => volume.kinds(folded(paths)),
    rename: async (from: string, to: string) =>
      from.toLowerCase() === to.toLowerCase() || volume.rename(from.toLowerCase(), to.toLowerCase()),
    removeTree: (root: string, paths: readonly string[]) => volume.removeTree(root.toLowerCase(), folded(paths)),
  })
}

test.each([
  ['A', '/d/content/a'],
  ['b', '/d/content/b'],
])('a file that is called %s from now on is there afterwards', async (name, path) => {
  const payload = new Payload('content', 'case', [
    { path: ['a'], length: PIECE },
    { path: ['other'], length: PIECE },
  ])
  const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
  const map = new PieceMap(metainfo)
  const layout = contentLayout(metainfo, map, { path: '/d' })
  const settings = await SettingsKeeper.open(null, metainfo, () => {})
  const disk = new FakeDisk()
  disk.put('/d/content/a', new Uint8Array(PIECE))
  const have = new Bitfield(2)
  have.set(0)
  const download = { have, volume: caselessVolume(disk), suspend: async () => {}, resume: () => {} }
  const naming = new FileNaming(map, { layout, settings, journal: null, download }, layout.names!, () => {})
  await naming.rename(0, [name])
  expect([...disk.files.keys()]).toEqual([path])
  expect(layout.paths[0]).toBe(`/d/content/${name}`)
})
