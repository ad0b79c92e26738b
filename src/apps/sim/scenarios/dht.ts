// The distributed hash table: do lookups find what was announced while nodes come and go, and at what cost; and can somebody
// with many addresses hide it?
import type { PeerSearchResult } from '../../../engine/discovery/dht/peer-search.ts'
import { DhtWorld, type DhtMember } from '../dht/dht-world.ts'
import { HostileNodes } from '../dht/hostile-nodes.ts'
import { ScenarioFailure, type Figure, type Scenario } from '../scenario.ts'
import { median, quantile } from '../statistics.ts'

/** How long a network is looked at, where the churn is always the same. */
interface Schedule {
  readonly joinMs: number
  readonly settleMs: number
  /** From the announces to the lookups. */
  readonly passingMs: number
  readonly lookupsPerAnnounce: number
}

const LONG: Schedule = { joinMs: 300_000, settleMs: 180_000, passingMs: 300_000, lookupsPerAnnounce: 4 }
/** A large network takes minutes of work for each minute. */
const SHORT: Schedule = { joinMs: 150_000, settleMs: 60_000, passingMs: 120_000, lookupsPerAnnounce: 2 }
const LARGE = 2000
/** Of all nodes, each minute. */
const LEAVE_SHARE = 0.01
const STEP_MS = 5000
const STEPS_PER_MINUTE = 60_000 / STEP_MS
const ANNOUNCES = 60
const HOSTILE_SHARE = 0.1
const HOSTILE_RANGES = 100
/** Longer than any search takes. */
const SEARCH_MS = 45_000

interface Announced {
  readonly infohash: Uint8Array
  readonly by: DhtMember
}

interface Searched {
  readonly isFound: boolean
  readonly seconds: number
  readonly result: PeerSearchResult
}

export const dht: Scenario = {
  name: 'dht',
  summary: 'a DHT whose nodes come and go: what was announced is found again, also where somebody wants to hide it',
  defaults: { peers: 1000 },
  settings: { attack: ['no', 'sybil'] },

  async run({ seed, peers, settings }) {
    const world = new DhtWorld(seed)
    const isAttacked = settings.attack === 'sybil'
    // Under attack all announce the same, so that there is one place to hide.
    const target = world.random.bytes(20)
    const { joinMs, settleMs, passingMs, lookupsPerAnnounce } = peers > LARGE ? SHORT : LONG
    await comeTogether(world, { peers, joinMs, target: isAttacked ? target : null })
    await pass(world, settleMs, [])
    const announced = world
      .some(ANNOUNCES)
      .map((by): Announced => ({ infohash: isAttacked ? target : world.random.bytes(20), by }))
    const announces = announced.map((each) => search(world, each.by, each, true))
    await pass(world, SEARCH_MS, announced)
    const taken = await ended(announces)
    await pass(world, passingMs, announced)
    const lookups: Promise<Searched>[] = []
    for (let i = 0; i < lookupsPerAnnounce; i++) {
      for (const each of announced) lookups.push(search(world, world.one(), each, false))
      await pass(world, SEARCH_MS, announced)
    }
    return figuresOf(await ended(lookups), taken, world)
  },

  cases: [
    ...[1000, 10_000].map((peers) => ({
      label: `${peers} nodes`,
      peers,
      seeds: 1,
      bounds: [
        { figure: 'found', atLeast: 99 },
        { figure: 'hops p50' },
        { figure: 'asked p50' },
        { figure: 'asked p95' },
      ],
      wallSeconds: peers / 20,
    })),
    {
      label: '1000 nodes, 10 % hostile',
      peers: 1000,
      settings: { attack: 'sybil' },
      seeds: 1,
      bounds: [{ figure: 'hidden', atMost: 5 }, { figure: 'asked p50' }, { figure: 'asked p95' }],
      wallSeconds: 90,
    },
  ],
  small: { peers: 120 },
}

/** All come one after the other, and hostile nodes in the midst of them. `target`: what they gather at. */
async function comeTogether(
  world: DhtWorld,
  { peers, joinMs, target }: { readonly peers: number; readonly joinMs: number; readonly target: Uint8Array | null },
): Promise<void> {
  const hostile = target === null ? 0 : Math.round(peers * HOSTILE_SHARE)
  const steps = joinMs / STEP_MS
  const wanted = peers - hostile
  let joined = 0
  for (let step = 1; step <= steps; step++) {
    for (; joined < (wanted * step) / steps; joined++) void world.join()
    if (step === steps / 2 && target !== null)
      void new HostileNodes(world, target).join(hostile, Math.min(hostile, HOSTILE_RANGES))
    await world.pass(STEP_MS)
  }
}

/** Time passes, while some go and as many come. Who has announced something stays. */
async function pass(world: DhtWorld, ms: number, announced: readonly Announced[]): Promise<void> {
  const staying = new Set(announced.map(({ by }) => by))
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    const going = (world.members.length * LEAVE_SHARE) / STEPS_PER_MINUTE
    const count = Math.floor(going) + (world.random.happens(going % 1) ? 1 : 0)
    for (let i = 0; i < count; i++) {
      world.leave((member) => staying.has(member))
      void world.join()
    }
    await world.pass(STEP_MS)
  }
}

async function search(
  world: DhtWorld,
  member: DhtMember,
  { infohash, by }: Announced,
  isAnnounce: boolean,
): Promise<Searched> {
  const startedAt = world.sim.nowMs
  let foundAt = Infinity
  const task = member.dht.findPeers(infohash, {
    ...(isAnnounce && { announce: { port: 'implied' } }),
    onPeers: (peers) => {
      if (peers.some(({ ip }) => ip === by.contact.address.ip)) foundAt = Math.min(foundAt, world.sim.nowMs)
    },
  })
  const [result] = await task.done
  return { isFound: foundAt < Infinity, seconds: (foundAt - startedAt) / 1000, result }
}

/** Those that have ended: a node that is gone does not end its search. Throws ScenarioFailure when many have not. */
async function ended(searches: readonly Promise<Searched>[]): Promise<Searched[]> {
  const over: Searched[] = []
  for (const each of searches) void each.then((searched) => over.push(searched))
  // What has been settled already has its turn at once.
  await Promise.resolve()
  if (over.length < 0.8 * searches.length)
    throw new ScenarioFailure(`Of ${searches.length} searches only ${over.length} have ended`)
  return over
}

function figuresOf(lookups: readonly Searched[], announces: readonly Searched[], world: DhtWorld): Figure[] {
  const found = lookups.filter(({ isFound }) => isFound)
  const share = (100 * found.length) / lookups.length
  const asked = lookups.map(({ result }) => result.asked)
  const hops = lookups.map(({ result }) => result.hops)
  const seconds = found.map(({ seconds }) => seconds)
  const crowded = lookups.filter(({ result }) => result.wasCrowded).length
  const sizes = world.some(100).flatMap(({ dht }) => dht.status[0].networkSize ?? [])
  return [
    { name: 'found', value: share, unit: '%' },
    { name: 'hidden', value: 100 - share, unit: '%' },
    { name: 'lookups', value: lookups.length, unit: '' },
    { name: 'hops p50', value: median(hops), unit: '' },
    { name: 'hops p95', value: quantile(hops, 0.95), unit: '' },
    { name: 'asked p50', value: median(asked), unit: 'nodes' },
    { name: 'asked p95', value: quantile(asked, 0.95), unit: 'nodes' },
    { name: 'first found p50', value: median(seconds), unit: 's' },
    { name: 'announced to p50', value: median(announces.map(({ result }) => result.announcedTo)), unit: 'nodes' },
    { name: 'took a way around', value: (100 * crowded) / lookups.length, unit: '%' },
    { name: 'size estimate p50', value: median(sizes), unit: 'nodes' },
    { name: 'table p50', value: median(world.members.map(({ dht }) => dht.nodes)), unit: 'nodes' },
  ]
}
