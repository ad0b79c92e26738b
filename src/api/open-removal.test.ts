import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeTorrent, Payload } from '../../tests/support/payload.ts'
import { MetadataStore } from '../engine/storage/metadata-store.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import { parseTorrent } from '../protocol/metainfo/index.ts'
import { openRemoval } from './open-removal.ts'

test('what is remembered of a magnet link goes with the content, wherever that is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-removal-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [path, state] = [join(folder, 'data'), join(folder, 'state')]
  const payload = Payload.file('removal', 20_000)
  const torrent = makeTorrent(payload, 16_384)
  mkdirSync(path)
  writeFileSync(join(path, 'payload.bin'), payload.read(0, payload.size))
  const platform = createNodePlatform({ workers: 0, state })
  const infohash = Buffer.from(torrent.infohash).toString('hex')
  await new MetadataStore({ state: platform.state, infohash, warn: expect.unreachable }).save(new Uint8Array(5))
  await platform.disk.close()
  expect(readdirSync(state).filter((name) => name.includes('-metadata-'))).toHaveLength(1)

  const removal = await openRemoval(parseTorrent(torrent.file()), { path }, { state })
  expect(await removal.remove()).toMatchObject({ files: 1 })
  expect(readdirSync(state)).toEqual([])
  expect(readdirSync(path)).toEqual([])
})
