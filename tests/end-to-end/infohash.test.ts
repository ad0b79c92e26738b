// `shoal info` over torrents of many makers, and libtorrent over the same: the infohashes are equal.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bencode } from '../support/bencode.ts'
import { clientsRequired } from '../support/clients/all.ts'
import { infohashesByLibtorrent, libtorrent } from '../support/clients/libtorrent.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { runShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'

const FIXTURES = fileURLToPath(new URL('../fixtures/torrents/', import.meta.url))

interface Hashes {
  readonly infohash_v1: string | null
  readonly infohash_v2: string | null
}

const isLeftOut = libtorrent.found() === null && !clientsRequired

test.skipIf(isLeftOut)('of every fixture that both can read', async (context) => {
  const stage = openStage(context)
  const fixtures = existsSync(FIXTURES) ? readdirSync(FIXTURES).filter((name) => name.endsWith('.torrent')) : []
  const paths = fixtures.map((name) => join(FIXTURES, name))
  const theirs = infohashesByLibtorrent(paths)
  const ours = await infohashesByShoal(stage, paths)
  const compared = paths.filter((path) => ours.has(path) && theirs.has(path))
  expect(compared.length).toBeGreaterThan(40)
  expect(compared.map((path) => ({ path, ...ours.get(path) }))).toEqual(
    compared.map((path) => ({ path, ...theirs.get(path) })),
  )
})

test.skipIf(isLeftOut)('of torrents that an encoder would write differently', async (context) => {
  const stage = openStage(context)
  const pieces = Buffer.alloc(20, 7)
  const made = [
    makeTorrent(Payload.file('a', 1000), 16_384).file(),
    makeTorrent(Payload.tree('b', 100_000, 30), 16_384).file(['http://127.0.0.1:1/announce']),
    // Keys that stand in the wrong order, and keys that nobody knows.
    odd('d4:name1:a12:piece lengthi16384e6:lengthi5e6:pieces20:', pieces, 'e'),
    odd('d6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces20:', pieces, '7:unknownd1:ai-5eee'),
    // An integer that no double holds.
    odd('d6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces20:', pieces, '4:zzzzi9007199254740993ee'),
  ]
  const paths = made.map((bytes, i) => stage.file(`made-${i}.torrent`, bytes))
  const theirs = infohashesByLibtorrent(paths)
  const ours = await infohashesByShoal(stage, paths)
  expect([...ours.keys()]).toEqual(paths)
  expect([...ours]).toEqual([...theirs])
})

test('of a dictionary in wrong order it is the hash of the bytes as they stand', async (context) => {
  const stage = openStage(context)
  const torrent = odd('d4:name1:a12:piece lengthi16384e6:lengthi5e6:pieces20:', Buffer.alloc(20, 7), 'e')
  const path = stage.file('odd.torrent', torrent)
  const info = torrent.subarray(torrent.indexOf('4:info') + 6, -1)
  const ours = await infohashesByShoal(stage, [path])
  expect(ours.get(path)?.infohash_v1).toBe(createHash('sha1').update(info).digest('hex'))
})

/** A torrent around an info dictionary as it stands. */
function odd(head: string, pieces: Buffer, tail: string): Buffer {
  const announce = bencode('http://127.0.0.1:1/announce')
  return Buffer.concat([
    Buffer.from('d8:announce'),
    announce,
    Buffer.from(`4:info${head}`),
    pieces,
    Buffer.from(`${tail}e`),
  ])
}

/** What `shoal info --json` says of those it can read. */
async function infohashesByShoal(stage: Stage, paths: readonly string[]): Promise<Map<string, Hashes>> {
  const hashes = new Map<string, Hashes>()
  const waiting = [...paths]
  const work = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const { code, stdout } = await runShoal(stage, ['info', path, '--json'])
      const { infohash_v1, infohash_v2 } = JSON.parse(stdout) as Hashes
      if (code === 0) hashes.set(path, { infohash_v1, infohash_v2 })
    }
  }
  await Promise.all([work(), work(), work()])
  return new Map(paths.flatMap((path) => (hashes.has(path) ? [[path, hashes.get(path)!]] : [])))
}
