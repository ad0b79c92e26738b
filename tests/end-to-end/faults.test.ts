// Swarms with peers and trackers that misbehave. The download finishes from the others, the guilty are named and
// nobody else is, and nothing wrong is on disk.
import { beforeAll, describe, expect, test } from 'vitest'
import {
  babbler,
  corrupter,
  dripper,
  garbler,
  impossibleHave,
  liar,
  longBitfield,
  miser,
  mute,
  overfullBitfield,
} from '../support/evil-peer.ts'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { download, peers, seed, type Shoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { startTracker } from '../support/tracker.ts'
import { type Behaviour, honest, startPeer } from '../support/wire-peer.ts'

const MIB = 1 << 20
const PIECE_LENGTH = 64 * 1024
// 323 pieces: no multiple of 8, so that a bitfield has spare bits; and the last one is short.
const payload = Payload.file('faults', 20 * MIB + 12_345)
/** Three honest peers bring the payload in about three seconds: time enough for a bad one to show what it is. */
const HONEST_RATE = 2.4 * MIB

let torrent: TestTorrent
beforeAll(() => {
  torrent = makeTorrent(payload, PIECE_LENGTH)
})

/** Downloads from honest peers and these others, to the end, and returns what was seen. */
async function downloadAmong(
  stage: Stage,
  others: readonly Behaviour[],
  { honestPeers = 3, rate = HONEST_RATE, trackers = [] as readonly string[], timeoutMs = 60_000 } = {},
): Promise<{ shoal: Shoal; differences: string[]; others: string[] }> {
  const good = await Promise.all(Array.from({ length: honestPeers }, () => startPeer(stage, torrent, honest(rate))))
  const bad = await Promise.all(others.map((behaviour) => startPeer(stage, torrent, behaviour)))
  const addresses = [...bad, ...good].map(({ address }) => address)
  const folder = stage.folder('downloaded')
  const shoal = download(stage, stage.torrentFile(torrent, trackers), folder, ...peers(addresses))
  await shoal.finished(timeoutMs)
  for (const peer of good) expect(peer.sent, 'each honest peer is used').toBeGreaterThan(0)
  return { shoal, differences: payload.differences(folder), others: bad.map(({ address }) => address) }
}

describe.concurrent('a peer that breaks the protocol is dropped and named, and nobody else', () => {
  const guilty: [what: string, behaviour: Behaviour][] = [
    ['sends noise instead of a handshake', babbler],
    ['sends noise after the handshake', garbler],
    ['sends a bitfield that is too long', longBitfield],
    ['claims pieces beyond the last one', overfullBitfield],
    ['has a piece that there is not', impossibleHave],
  ]
  test.for(guilty)('one that %s', async ([, behaviour], context) => {
    const { shoal, differences, others } = await downloadAmong(openStage(context), [behaviour])
    expect(differences).toEqual([])
    expect(shoal.dropped()).toEqual(others)
  })

  test('one that corrupts every block, with the pieces it corrupted', async (context) => {
    const { shoal, differences, others } = await downloadAmong(openStage(context), [corrupter(1)])
    expect(differences).toEqual([])
    expect(shoal.dropped()).toEqual(others)
    const named = shoal.all('peer_dropped').flatMap(({ pieces }) => pieces as number[])
    expect(named.length).toBeGreaterThan(0)
    expect(named.every((piece) => Number.isInteger(piece) && piece >= 0 && piece < torrent.pieceCount)).toBe(true)
  })

  test('one that corrupts a block now and then, among pieces that others had a part in', async (context) => {
    const { shoal, differences, others } = await downloadAmong(openStage(context), [corrupter(25)])
    expect(differences).toEqual([])
    expect(shoal.dropped()).toEqual(others)
  })

  test('two that corrupt blocks, and one that sends noise, at once', async (context) => {
    const bad = [corrupter(10), garbler, corrupter(3)]
    const { shoal, differences, others } = await downloadAmong(openStage(context), bad)
    expect(differences).toEqual([])
    expect(shoal.dropped()).toEqual(others.toSorted())
  })
})

describe.concurrent('a peer that is of no use does not hold up the download', () => {
  const useless: [what: string, behaviour: () => Behaviour][] = [
    ['never says a word', () => mute],
    ['claims everything and serves nothing', () => liar],
    ['never unchokes', () => miser],
    ['answers one byte a second', dripper],
  ]
  test.for(useless)('one that %s', async ([, behaviour], context) => {
    const { shoal, differences, others } = await downloadAmong(openStage(context), [behaviour()])
    expect(differences).toEqual([])
    // Whether there was time to find it out or not: no honest peer is named.
    expect(others).toEqual(expect.arrayContaining(shoal.dropped()))
  })

  test('all of them together, against one honest peer: those that broke their word are named in time', async (context) => {
    const bad = [mute, liar, miser, dripper()]
    const options = { honestPeers: 1, rate: payload.size / 60, timeoutMs: 150_000 }
    const { shoal, differences, others } = await downloadAmong(openStage(context), bad, options)
    expect(differences).toEqual([])
    const [silent, lying, , dripping] = others
    expect(shoal.dropped()).toEqual([silent, lying, dripping].toSorted())
  })
})

describe.concurrent('a tracker that is of no use does not hold up the download', () => {
  test('nonsense, a tracker that hangs and a dead one delay nobody', async (context) => {
    const stage = openStage(context)
    const nonsense = await startTracker(stage, 'nonsense')
    const hanging = await startTracker(stage, 'hanging')
    const dead = `http://127.0.0.1:${await freePort()}/announce`
    const trackers = [nonsense.url, dead, hanging.url]
    const { shoal, differences } = await downloadAmong(stage, [], { trackers })
    expect(differences).toEqual([])
    expect(shoal.dropped()).toEqual([])
    expect(nonsense.announces.length, 'the nonsensical tracker was asked').toBeGreaterThan(0)
    expect(hanging.announces.length, 'the hanging tracker was asked').toBeGreaterThan(0)
  })

  test('a good tracker is found behind a tier that hangs, one that talks nonsense and a dead one', async (context) => {
    const stage = openStage(context)
    const bad = [await startTracker(stage, 'hanging'), await startTracker(stage, 'nonsense')]
    const good = await startTracker(stage)
    const dead = `http://127.0.0.1:${await freePort()}/announce`
    const file = stage.torrentFile(torrent, [bad[0].url, dead, bad[1].url, good.url])

    const complete = stage.folder('complete')
    payload.write(complete)
    const seeder = seed(stage, stage.torrentFile(torrent, [good.url]), complete)
    await good.knows((await seeder.event('seeding')).port as number)

    const folder = stage.folder('downloaded')
    await download(stage, file, folder).finished()
    expect(payload.differences(folder)).toEqual([])
  })
})

test('a seeder that is killed in the middle is not missed', async (context) => {
  const stage = openStage(context)
  const complete = stage.folder('complete')
  payload.write(complete)
  const file = stage.torrentFile(torrent)
  const seeders = [0, 1, 2].map(() => seed(stage, file, complete, '--up-rate', '2M'))
  const addresses = await Promise.all(
    seeders.map(async (seeder) => `127.0.0.1:${String((await seeder.event('seeding')).port)}`),
  )
  const folder = stage.folder('downloaded')
  const shoal = download(stage, file, folder, ...peers(addresses))
  await shoal.event('progress', ({ pieces_have }) => Number(pieces_have) > torrent.pieceCount / 4)
  seeders[1].program.signal('SIGKILL')
  await seeders[1].exited
  expect(shoal.all('done'), 'the kill came in the middle').toEqual([])
  await shoal.finished()

  expect(payload.differences(folder)).toEqual([])
  // That it left with requests unanswered may be told; nobody else is named.
  expect([addresses[1]]).toEqual(expect.arrayContaining(shoal.dropped()))
})
