import { expect, test } from 'vitest'
import { DhtSearchQueue, MAX_SEARCHES, SEARCH_EVERY_MS, START_EVERY_MS, type Sought } from './dht-search-queue.ts'

const MINUTE = 60_000

interface Sample {
  readonly infohash: string
  isPublic: boolean
  state: string
}

/** Searches take some seconds, and find somebody unless told otherwise. */
class World {
  readonly queue = new DhtSearchQueue<Sample>()
  readonly searched: { readonly name: string; readonly at: number }[] = []
  readonly lonely = new Set<string>()
  now = 0
  searchMs = 5000
  most = 0
  #open: { readonly sought: Sought<Sample>; readonly endsAt: number }[] = []

  seek(name: string, state = 'seeding'): Sample {
    const torrent = { infohash: name, isPublic: true, state }
    this.queue.seek(torrent, this.now)
    return torrent
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 100) {
      for (const { sought, endsAt } of this.#open)
        if (this.now >= endsAt) this.queue.ended(sought, !this.lonely.has(sought.torrent.infohash), this.now)
      this.#open = this.#open.filter(({ endsAt }) => this.now < endsAt)
      const sought = this.queue.next(this.now)
      if (sought === null) continue
      this.searched.push({ name: sought.torrent.infohash, at: this.now })
      this.#open.push({ sought, endsAt: this.now + this.searchMs })
      this.most = Math.max(this.most, this.#open.length)
    }
  }

  timesOf(name: string): number[] {
    return this.searched.filter((each) => each.name === name).map(({ at }) => at)
  }
}

test('searches begin at a pace, so many at a time', () => {
  const world = new World()
  world.searchMs = 20_000
  for (let i = 0; i < 100; i++) world.seek(String(i))
  world.pass(MINUTE)
  expect(world.most).toBe(MAX_SEARCHES)
  const times = world.searched.map(({ at }) => at)
  for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBeGreaterThanOrEqual(START_EVERY_MS)
})

test('few torrents are looked for when they come, then every 15 minutes', () => {
  const world = new World()
  for (let i = 0; i < 20; i++) world.seek(String(i))
  world.pass(31 * MINUTE)
  for (let i = 0; i < 20; i++) {
    const times = world.timesOf(String(i))
    expect(times).toHaveLength(3)
    for (const [j, at] of times.entries()) expect(at - j * SEARCH_EVERY_MS).toBeLessThan(20_000)
  }
})

test('a torrent that has just come hardly waits, however many there are, and each of them has its turn in the end', () => {
  const world = new World()
  for (let i = 0; i < 2000; i++) world.seek(String(i))
  world.pass(40 * MINUTE)
  world.seek('new', 'fetching_metadata')
  const at = world.now
  world.pass(MINUTE)
  expect(world.timesOf('new')[0] - at).toBeLessThan(2000)
  world.pass(40 * MINUTE)
  for (let i = 0; i < 2000; i++) expect(world.timesOf(String(i)).length).toBeGreaterThan(1)
})

test('an incomplete torrent that has found nobody does not wait behind those that are complete', () => {
  const world = new World()
  for (let i = 0; i < 2000; i++) world.seek(String(i))
  world.pass(20 * MINUTE)
  world.lonely.add('lonely')
  world.seek('lonely', 'downloading')
  const at = world.now
  world.pass(4 * MINUTE)
  // After 15 s, 30 s, 60 s, each time from the end of a search on.
  expect(world.timesOf('lonely').length).toBeGreaterThanOrEqual(4)
  expect(world.timesOf('lonely')[3] - at).toBeLessThan(150_000)
})

test('who has found nobody is looked for less and less often, and as at first when it has found somebody', () => {
  const world = new World()
  world.lonely.add('a')
  const torrent = world.seek('a', 'downloading')
  world.pass(60 * MINUTE)
  const pauses = (): number[] => world.timesOf('a').map((at, i, all) => (i === 0 ? 0 : at - all[i - 1]))
  expect(pauses().at(-1)).toBeGreaterThanOrEqual(SEARCH_EVERY_MS)
  world.lonely.clear()
  world.pass(2 * SEARCH_EVERY_MS)
  world.lonely.add('a')
  const before = pauses().length
  world.pass(2 * SEARCH_EVERY_MS)
  expect(Math.min(...pauses().slice(before))).toBeLessThan(30_000)
  torrent.state = 'seeding'
  const { length } = world.searched
  world.pass(2 * SEARCH_EVERY_MS)
  expect(world.searched.length - length).toBeLessThanOrEqual(3)
})

test('who does not meet peers takes no turn of others, and has its own as soon as it does', () => {
  const world = new World()
  const parked = Array.from({ length: 1000 }, (_, i) => world.seek(`parked ${i}`))
  for (const torrent of parked) torrent.isPublic = false
  world.seek('running')
  world.pass(31 * MINUTE)
  expect(world.timesOf('running')).toHaveLength(3)
  expect(world.searched).toHaveLength(3)
  parked[7].isPublic = true
  world.pass(2000)
  expect(world.timesOf('parked 7')).toHaveLength(1)
})

test('with another address all are looked for again, also those that are being looked for', () => {
  const world = new World()
  for (const name of ['a', 'b', 'c']) world.seek(name)
  world.pass(2000)
  world.queue.onAddressChange(world.now)
  const at = world.now
  world.pass(20_000)
  for (const name of ['a', 'b', 'c']) expect(world.timesOf(name).filter((time) => time >= at)).toHaveLength(1)
})

test('who has left is not looked for, and its end does not matter to another one of its name', () => {
  const world = new World()
  const first = world.seek('a')
  world.pass(1000)
  world.queue.forget(first)
  expect([world.queue.has(first), world.queue.size]).toEqual([false, 0])
  const second = world.seek('a')
  world.queue.forget(first)
  expect(world.queue.has(second)).toBe(true)
  world.pass(10 * MINUTE)
  expect(world.timesOf('a')).toHaveLength(2)
})
