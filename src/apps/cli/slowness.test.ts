import { expect, test } from 'vitest'
import type { Cause } from '../../index.ts'
import { FakeTorrent, fakeMetainfo } from '../../../tests/support/fake-cli.ts'
import { LOOK_EVERY_MS, SlownessWatch } from './slowness.ts'

const choked: Cause = { code: 'all_choke', peers: 2, useful: 2, connected: 2, message: 'both connected peers choke us' }
const limited: Cause = { code: 'down_limit', limit: 9, rate: 9, message: 'limited by your own rate limit' }
const pending: Cause = { code: 'trackers_pending', urls: [], message: 'no tracker has answered yet' }

interface Second {
  readonly causes: Cause[]
  readonly isFlowing?: boolean
}

/** What was told, and after how many seconds, when each entry of `story` lasts so many seconds. */
function told(story: readonly [seconds: number, state: Second][]): string[] {
  const torrent = new FakeTorrent(fakeMetainfo('a', { a: 100_000 }), { path: '/' })
  torrent.check()
  const watch = new SlownessWatch(torrent, 0)
  const lines: string[] = []
  let now = 0
  for (const [seconds, { causes, isFlowing = false }] of story) {
    torrent.causes = causes
    for (const end = now + 1000 * seconds; now < end;) {
      now += LOOK_EVERY_MS
      if (isFlowing) torrent.figures = { ...torrent.figures, downloaded: now }
      if (!watch.look(now)) continue
      const { current } = watch
      lines.push(`${now / 1000} ${current ? `${current.isStalled ? 'stalled' : 'slow'} ${current.code}` : 'flowing'}`)
    }
  }
  return lines
}

test('ten seconds without content are a stall, and it ends with the first that comes', () => {
  expect(
    told([
      [4, { causes: [], isFlowing: true }],
      [20, { causes: [choked] }],
      [10, { causes: [], isFlowing: true }],
    ]),
  ).toEqual(['14 stalled all_choke', '26 flowing'])
})

test('while content flows only what a person can change is told, and only when it lasts', () => {
  expect(told([[60, { causes: [choked], isFlowing: true }]])).toEqual([])
  expect(
    told([
      [8, { causes: [limited], isFlowing: true }],
      [4, { causes: [], isFlowing: true }],
      [20, { causes: [limited], isFlowing: true }],
      [2, { causes: [], isFlowing: true }],
    ]),
  ).toEqual(['24 slow down_limit', '34 flowing'])
})

test('another cause is told when it lasts', () => {
  expect(
    told([
      [12, { causes: [pending] }],
      [4, { causes: [choked] }],
      [4, { causes: [pending] }],
      [20, { causes: [choked, pending] }],
    ]),
  ).toEqual(['10 stalled trackers_pending', '32 stalled all_choke'])
})

test('that nobody has the metadata of a magnet link is told, and that it comes', () => {
  const torrent = new FakeTorrent(fakeMetainfo('a', { a: 100_000 }), { path: '/' })
  torrent.figures = { ...torrent.figures, state: 'fetching_metadata' }
  const counts = { known: 1, connected: 1, offering: 0 }
  torrent.causes = [{ code: 'fetching_metadata', ...counts, message: 'nobody has the metadata' }]
  const watch = new SlownessWatch(torrent, 0)
  const lookUntil = (from: number, to: number): (string | undefined)[] => {
    const told: (string | undefined)[] = []
    for (let now = from; now <= to; now += LOOK_EVERY_MS) if (watch.look(now)) told.push(watch.current?.message)
    return told
  }
  expect(lookUntil(0, 20_000)).toEqual(['nobody has the metadata'])
  torrent.metadataProgress = { done: 16_384, total: 32_768 }
  expect(lookUntil(22_000, 30_000)).toEqual([undefined])
  torrent.figures = { ...torrent.figures, state: 'checking' }
  expect(lookUntil(32_000, 60_000)).toEqual([])
})

test('a stall without a known cause is not explained', () => {
  expect(told([[60, { causes: [] }]])).toEqual([])
})
