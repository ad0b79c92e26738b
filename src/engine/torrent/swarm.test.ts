import { describe, expect, test } from 'vitest'
import { bencode } from '../../../tests/support/bencode.ts'
import { FakeConnection } from '../../../tests/support/fake-connection.ts'
import { settled } from '../../../tests/support/fake-clock.ts'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { type Address, addressKey, ipAddress } from '../../base/address.ts'
import { encodeUtf8 } from '../../base/bytes.ts'
import type { PeerError } from '../../base/errors.ts'
import type { ConnectionHandler, Network } from '../../platform/platform.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { encodeHandshake, WireEncoder } from '../../protocol/wire/index.ts'
import { contentLayout } from '../storage/content-layout.ts'
import { peerPriority } from '../policy/peer-priority.ts'
import { ReadCache } from '../storage/read-cache.ts'
import { SlotLedger } from '../storage/slot-ledger.ts'
import { RateLimiter } from '../transport/rate-limiter.ts'
import { type BlockSource, Download } from './download.ts'
import type { Peer } from './peer/peer.ts'
import { type ConnectionBudget, Swarm } from './swarm.ts'
import { Upload } from './upload.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const BLOCK = 16_384
const payload = Payload.file('swarm', 3 * BLOCK)
const metainfo = parseTorrent(makeTorrent(payload, BLOCK).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/d' })

const id = (name: string): Uint8Array => encodeUtf8(`-XX0001-${name.padEnd(12)}`)
const numbered = (i: number): Address => ipAddress(`1.0.${i >> 8}.${i & 255}`, 6881)

interface WorldOptions {
  readonly peerId?: Uint8Array
  /** We have everything. */
  readonly isSeed?: boolean
  readonly localIp?: string
  readonly servesNobody?: boolean
  readonly budget?: Partial<ConnectionBudget>
}

/** The other end of one connection of ours. */
class Remote {
  readonly connection: FakeConnection
  readonly #handler: ConnectionHandler

  constructor(connection: FakeConnection, handler: ConnectionHandler) {
    this.connection = connection
    this.#handler = handler
  }

  /** The connection that we dialled is open. */
  opens(): this {
    this.#handler.onOpen()
    return this
  }

  says(speak: (wire: WireEncoder) => void): this {
    const wire = new WireEncoder()
    speak(wire)
    this.#handler.onBytes(wire.take())
    return this
  }

  greets(peerId: Uint8Array): this {
    const capabilities = { extensions: true, fast: true }
    return this.says((wire) => wire.raw(encodeHandshake(metainfo.infohashV1!, peerId, capabilities)))
  }

  leaves(): void {
    this.#handler.onClose(null)
  }

  get isClosed(): boolean {
    return this.connection.isClosed
  }
}

class World {
  now = 1000
  readonly swarm: Swarm
  readonly budget: ConnectionBudget
  readonly download: Download<BlockSource>
  /** Those whom we dialled, in order. */
  readonly dialled: Remote[] = []
  readonly dropped: string[] = []

  constructor({ peerId = id('us'), isSeed = false, localIp, servesNobody, budget = {} }: WorldOptions = {}) {
    const disk = new FakeDisk()
    disk.put(layout.root, payload.read(0, payload.size))
    const volume = disk.volume()
    const ledger = new SlotLedger(disk)
    const nobody = { onPieceStored() {}, onGuilty() {}, onBlockDuplicated() {}, onStorageFailed() {}, onSlotsFree() {} }
    this.download = new Download<BlockSource>(
      { map, layout, volume, disk, ledger, pieceHashes: metainfo.pieceHashes!, below: () => 0, priorities: null },
      nobody,
    )
    ledger.enter(this.download)
    if (isSeed) for (let piece = 0; piece < 3; piece++) this.download.setHave(piece)
    const now = (): number => this.now
    const source = { map, volume, spans: layout.spans }
    const uploadOwner = { onReadFailed() {}, onSent() {} }
    this.budget = { maxPeers: 100, maxPeersPerTorrent: 100, maxHalfOpen: 50, peers: 0, halfOpen: 0, ...budget }
    const connect: Network['connect'] = (remote, _options, handler) => {
      const connection = new FakeConnection(remote)
      this.dialled.push(new Remote(connection, handler))
      return connection
    }
    this.swarm = new Swarm(
      {
        infohash: metainfo.infohashV1!,
        peerId,
        map,
        download: this.download,
        upload: new Upload<Peer>(source, new ReadCache(disk), new RateLimiter(0), now, uploadOwner),
        metadata: metainfo.infoBytes,
        usesPex: false,
        dht: null,
        downLimiter: new RateLimiter(0),
        network: { connect } as Network,
        budget: this.budget,
        listenPort: 6881,
        localIp,
        servesNobody,
        now,
        below: () => 0,
      },
      {
        onPeerDropped: (address, error: PeerError, pieces) =>
          this.dropped.push([address, error.code, ...(pieces ?? [])].join(' ')),
        onReceived() {},
        onFault(error) {
          throw error
        },
        isOwnPeerId: (other) => Buffer.compare(other, peerId) === 0,
      },
    )
  }

  /** Somebody connects to us. Null: refused. */
  comes(address: Address): Remote | null {
    const connection = new FakeConnection(address)
    const handler = this.swarm.accept(connection)
    return handler && new Remote(connection, handler)
  }

  /** The same, past the handshake. */
  joins(name: string, address = numbered(name.charCodeAt(0))): Remote {
    return this.comes(address)!.greets(id(name))
  }

  /** Time passes, with a heartbeat each second. */
  passes(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += SECOND
      this.swarm.tick(this.now)
    }
  }

  /** One heartbeat. */
  beats(): void {
    this.swarm.tick(this.now)
  }

  peer(remote: Remote): Peer {
    return [...this.swarm.connected()].find((peer) => peer.key === addressKey(remote.connection.remote))!
  }
}

const hears = (remote: Remote): string[] => remote.connection.hears()

/** Seconds until each of the first dials of one address, when every one of them ends like this. */
function waitsBetweenDials(dials: number, end: (remote: Remote) => void): number[] {
  const world = new World()
  world.swarm.addAddress(numbered(0), 'tracker')
  return Array.from({ length: dials }, (_, i) => {
    const from = world.now
    while (world.dialled.length === i) world.passes(SECOND)
    end(world.dialled[i])
    return (world.now - from) / SECOND
  })
}

describe('dialling', () => {
  test('goes through the known addresses, a few with each heartbeat', () => {
    const world = new World()
    for (let i = 0; i < 20; i++) world.swarm.addAddress(numbered(i), 'tracker')
    world.beats()
    expect(world.dialled).toHaveLength(8)
    world.beats()
    world.beats()
    expect(world.dialled.map(({ connection }) => connection.remote)).toEqual(
      Array.from({ length: 20 }, (_, i) => numbered(i)),
    )
    expect([world.budget.peers, world.budget.halfOpen]).toEqual([20, 20])
  })

  test('stops at the number of connections that may be half open, and goes on when one is open or has failed', () => {
    const world = new World({ budget: { maxHalfOpen: 3 } })
    for (let i = 0; i < 9; i++) world.swarm.addAddress(numbered(i), 'tracker')
    world.beats()
    expect(world.dialled).toHaveLength(3)
    world.dialled[0].opens()
    world.dialled[1].leaves()
    world.beats()
    expect([world.dialled.length, world.budget.halfOpen]).toEqual([5, 3])
  })

  test('an address that failed is tried again, later and later', () => {
    const waits = waitsBetweenDials(4, (remote) => remote.leaves())
    expect(waits).toEqual([1, 2, 4, 8])
  })

  test('one who dialled us, and said where it listens, is not dialled', () => {
    const world = new World()
    const remote = world.joins('a', ipAddress('1.0.0.9', 50_000))
    remote.says((wire) => wire.extended(0, bencode({ p: 6881 })))
    world.swarm.addAddress(ipAddress('1.0.0.9', 6881), 'tracker')
    world.passes(MINUTE)
    expect(world.dialled).toHaveLength(0)
    remote.leaves()
    world.passes(16 * SECOND)
    expect(world.dialled).toHaveLength(1)
  })

  test('of one torrent no more than thirty are half open, so that others can dial, too', () => {
    const world = new World()
    for (let i = 0; i < 60; i++) world.swarm.addAddress(numbered(i), 'tracker')
    for (let i = 0; i < 10; i++) world.beats()
    expect(world.dialled).toHaveLength(30)
    world.dialled[0].opens()
    world.dialled[1].leaves()
    world.beats()
    expect(world.dialled).toHaveLength(32)
  })

  test('where one who dialled us listens is known from its own word', () => {
    const world = new World()
    const remote = world.joins('a', ipAddress('1.0.0.9', 50_000))
    remote.says((wire) => wire.extended(0, bencode({ p: 7000 })))
    world.passes(MINUTE)
    expect(world.dialled).toHaveLength(0)
    remote.leaves()
    world.passes(16 * SECOND)
    expect(world.dialled.map(({ connection }) => connection.remote)).toEqual([ipAddress('1.0.0.9', 7000)])
  })

  test('one that leaves again and again before anything has passed is tried later and later', () => {
    const waits = waitsBetweenDials(4, (remote) => remote.opens().greets(id('full')).leaves())
    expect(waits).toEqual([1, 15, 30, 60])
  })

  test('a session bound to IPv4 dials no IPv6 address', () => {
    const world = new World({ localIp: '10.0.0.1' })
    world.swarm.addAddress(ipAddress('2001:db8::1', 6881), 'tracker')
    world.swarm.addAddress(numbered(1), 'tracker')
    world.passes(10 * SECOND)
    expect(world.dialled.map(({ connection }) => connection.remote)).toEqual([numbered(1)])
  })
})

describe('ourselves', () => {
  test('are not met: the address is never dialled again', () => {
    const world = new World()
    world.swarm.addAddress(numbered(0), 'user')
    world.beats()
    world.dialled[0].opens().greets(id('us'))
    expect(world.dialled[0].isClosed).toBe(true)
    world.passes(10 * MINUTE)
    expect([world.dialled.length, world.dropped, world.budget.peers]).toEqual([1, [], 0])
  })
})

describe('two connections with one peer', () => {
  test('the older one is kept', () => {
    const world = new World()
    const first = world.joins('twin', ipAddress('1.0.0.9', 1111))
    world.passes(10 * SECOND)
    const second = world.joins('twin', ipAddress('1.0.0.9', 2222))
    expect([first.isClosed, second.isClosed, world.swarm.connectedCount]).toEqual([false, true, 1])
  })

  test('the same id from another IP is the same peer, by another way', () => {
    const world = new World()
    const first = world.joins('twin', ipAddress('1.0.0.9', 1111))
    world.passes(59 * SECOND)
    expect(world.joins('twin', ipAddress('2001:db8::8', 1111)).isClosed).toBe(true)
    expect(first.isClosed).toBe(false)
  })

  test('who comes again from another IP, when its first connection has been silent for a minute, has lost that one', () => {
    const world = new World()
    const first = world.joins('twin', ipAddress('1.0.0.9', 1111))
    world.passes(60 * SECOND)
    expect(world.joins('twin', ipAddress('1.0.0.8', 1111)).isClosed).toBe(false)
    expect(first.isClosed).toBe(true)
  })

  test('so has who comes again from the same IP: its network was cut for a while', () => {
    const world = new World()
    world.swarm.addAddress(ipAddress('1.0.0.9', 6881), 'tracker')
    world.beats()
    const first = world.dialled[0].opens().greets(id('twin'))
    world.passes(59 * SECOND)
    expect(world.joins('twin', ipAddress('1.0.0.9', 50_000)).isClosed).toBe(true)
    world.passes(SECOND)
    expect(world.joins('twin', ipAddress('1.0.0.9', 50_001)).isClosed).toBe(false)
    expect([first.isClosed, world.swarm.connectedCount]).toEqual([true, 1])
  })

  test('when we dialled in vain, we have learnt where the peer that came to us listens', () => {
    const world = new World()
    const incoming = world.joins('twin', ipAddress('1.0.0.9', 50_000))
    world.passes(10 * SECOND)
    world.swarm.addAddress(ipAddress('1.0.0.9', 6881), 'user')
    world.beats()
    world.dialled[0].opens().greets(id('twin'))
    expect([world.dialled[0].isClosed, incoming.isClosed]).toEqual([true, false])
    world.passes(MINUTE)
    expect(world.dialled).toHaveLength(1)
  })

  /** Both sides dial at the same moment: which connections does each side close? */
  function simultaneous(isFirstOurs: boolean, areWeGreater: boolean, isFirstTheirs: boolean): string[] {
    const [ours, theirs] = areWeGreater ? ['b', 'a'] : ['a', 'b']
    const kept = (name: string, other: string, isOwnDialFirst: boolean): string => {
      const world = new World({ peerId: id(name) })
      world.swarm.addAddress(numbered(7), 'tracker')
      world.beats()
      const dialled = world.dialled[0].opens()
      const incoming = world.comes(ipAddress(numbered(7).ip, 50_000))!
      for (const remote of isOwnDialFirst ? [dialled, incoming] : [incoming, dialled]) remote.greets(id(other))
      expect(world.swarm.connectedCount).toBe(1)
      return dialled.isClosed ? other : name
    }
    // The name of the one who dialled the connection that is kept.
    return [kept(ours, theirs, isFirstOurs), kept(theirs, ours, isFirstTheirs)]
  }

  test('opened at the same moment from both sides: both sides keep the same one', () => {
    for (const isFirstOurs of [true, false]) {
      for (const areWeGreater of [true, false]) {
        for (const isFirstTheirs of [true, false]) {
          expect(simultaneous(isFirstOurs, areWeGreater, isFirstTheirs)).toEqual(['b', 'b'])
        }
      }
    }
  })
})

describe('a peer that sent wrong data', () => {
  test('is named, closed, and not dialled again', () => {
    const world = new World()
    world.swarm.addAddress(numbered(3), 'user')
    world.beats()
    const remote = world.dialled[0].opens().greets(id('bad'))
    world.swarm.ban(world.peer(remote), [5])
    expect([world.dropped, remote.isClosed]).toEqual([['1.0.0.3:6881 corrupt_data 5'], true])
    world.passes(10 * MINUTE)
    expect(world.dialled).toHaveLength(1)
  })

  test('is not let in again under its id; others at its address are, and others with its id elsewhere', () => {
    const world = new World()
    const remote = world.joins('bad', ipAddress('1.0.0.9', 1111))
    remote.says((wire) => wire.extended(0, bencode({ p: 6881 })))
    world.swarm.ban(world.peer(remote), [5])
    expect(world.joins('bad', ipAddress('1.0.0.9', 2222)).isClosed).toBe(true)
    expect(world.joins('good', ipAddress('1.0.0.9', 3333)).isClosed).toBe(false)
    expect(world.joins('bad', ipAddress('1.0.0.8', 1111)).isClosed).toBe(false)
    world.swarm.addAddress(ipAddress('1.0.0.9', 6881), 'tracker')
    world.passes(16 * SECOND)
    expect(world.dialled).toHaveLength(1)
  })

  test('and has left since, is named all the same', () => {
    const world = new World()
    const remote = world.joins('bad')
    const peer = world.peer(remote)
    remote.leaves()
    world.swarm.ban(peer, [1, 2])
    expect(world.dropped).toEqual([`${addressKey(remote.connection.remote)} corrupt_data 1 2`])
  })
})

describe('who is named', () => {
  test('a peer that breaks the rules', () => {
    const world = new World()
    const remote = world.joins('rude')
    remote.says((wire) => wire.have(99))
    expect(world.dropped).toEqual([`${addressKey(remote.connection.remote)} bad_piece`])
  })

  test('nobody whom we could not reach, or who has nothing to say', () => {
    const world = new World()
    world.swarm.addAddress(numbered(0), 'tracker')
    world.joins('quiet')
    world.passes(5 * MINUTE)
    expect(world.dialled.length).toBeGreaterThan(3)
    expect(world.dropped).toEqual([])
  })
})

describe('slots', () => {
  /** Peers that want something of ours. */
  function crowd(world: World, names: string): Remote[] {
    return Array.from(names, (name) => world.joins(name).says((wire) => wire.interested()))
  }
  const served = (world: World): number => [...world.swarm.connected()].filter((peer) => peer.isUnchoked).length

  test('go to the first who ask, at once', () => {
    const world = new World({ isSeed: true })
    const remotes = crowd(world, 'abcdef')
    expect(remotes.map((remote) => hears(remote).includes('unchoke'))).toEqual([true, true, true, true, false, false])
  })

  test('one that comes free is given away at once: when its peer leaves, or wants nothing more', () => {
    const world = new World({ isSeed: true })
    const [first, second, , , fifth, sixth] = crowd(world, 'abcdef')
    first.leaves()
    expect(hears(fifth)).toContain('unchoke')
    second.says((wire) => wire.notInterested())
    expect(hears(sixth)).toContain('unchoke')
  })

  test('wanting nothing, and something again, gives nobody a fifth slot', () => {
    const world = new World({ isSeed: true })
    for (const remote of crowd(world, 'abcdefgh'))
      remote.says((wire) => {
        wire.notInterested()
        wire.interested()
      })
    expect(served(world)).toBe(4)
  })

  test('are given anew every ten seconds, and everybody gets one in time', () => {
    const world = new World({ isSeed: true })
    const remotes = crowd(world, 'abcdefgh')
    const everServed = new Set<Remote>()
    for (let second = 0; second < 1200; second++) {
      world.passes(SECOND)
      for (const remote of remotes) {
        if (second % 60 === 0) remote.says((wire) => wire.keepAlive())
        if (hears(remote).includes('unchoke')) everServed.add(remote)
      }
      expect(served(world)).toBeLessThanOrEqual(4)
    }
    expect(everServed.size).toBe(8)
  })
})

test('who serves nobody unchokes nobody, and allows nothing to whom it chokes', () => {
  const world = new World({ isSeed: true, servesNobody: true })
  const peer = world.joins('a').says((wire) => wire.interested())
  world.passes(MINUTE)
  const heard = hears(peer)
  expect(heard).toContain('have-all')
  expect(heard.filter((line) => line === 'unchoke' || line.startsWith('allowed-fast'))).toEqual([])
})

describe('super-seeding', () => {
  /** Three pieces; `a` and `b` have none of them. */
  function world(): { world: World; a: Remote; b: Remote } {
    const world = new World({ isSeed: true })
    world.swarm.superSeed('on')
    const [a, b] = ['a', 'b'].map((name) => world.joins(name).says((wire) => wire.haveNone()))
    return { world, a, b }
  }
  const haves = (remote: Remote): number[] =>
    hears(remote)
      .filter((line) => line.startsWith('have '))
      .map((line) => Number(line.slice('have '.length)))
  const asks = (piece: number) => (wire: WireEncoder) => {
    wire.interested()
    wire.request(piece, 0, BLOCK)
  }

  test('begins with nothing, and reveals a piece to each; another with the slot', () => {
    const { a, b } = world()
    const heard = hears(a)
    expect(heard).toContain('have-none')
    expect(heard.some((line) => line.startsWith('allowed-fast'))).toBe(false)
    expect(heard.filter((line) => line.startsWith('have '))).toHaveLength(1)
    expect(haves(b)).toHaveLength(1)
    a.says((wire) => wire.interested())
    expect(haves(a)).toHaveLength(1)
  })

  test('serves what it has revealed, and nothing else', () => {
    const { a } = world()
    const revealed = haves(a)
    const hidden = [0, 1, 2].find((piece) => !revealed.includes(piece))!
    a.says((wire) => wire.interested())
    expect(hears(a.says(asks(hidden)))).toContain(`reject ${hidden}:0 ${BLOCK}`)
    expect(hears(a.says(asks(revealed[0]))).some((line) => line.startsWith('reject'))).toBe(false)
  })

  test('auto: begins with the fourth leecher; those who came before know everything', () => {
    const world = new World({ isSeed: true })
    world.swarm.superSeed('auto')
    const early = ['a', 'b', 'c', 'd'].map((name) => world.joins(name).says((wire) => wire.haveNone()))
    const late = world.joins('e').says((wire) => wire.haveNone())
    expect(early.map((peer) => hears(peer).includes('have-all'))).toEqual([true, true, true, true])
    const heard = [...hears(late), ...hears(late.says((wire) => wire.interested()))]
    expect(heard).toContain('have-none')
    // One at once, and one with the slot.
    expect(heard.filter((line) => line.startsWith('have '))).toHaveLength(2)
    const hidden = [0, 1, 2].find((piece) => !heard.includes(`have ${piece}`))!
    expect(hears(late.says(asks(hidden)))).toContain(`reject ${hidden}:0 ${BLOCK}`)
    expect(hears(early[0].says(asks(hidden))).some((line) => line.startsWith('reject'))).toBe(false)
  })

  test('ends when every piece is with somebody else: then all is told', () => {
    const { world: seed, a, b } = world()
    const told = new Set(haves(a))
    b.says((wire) => [0, 1, 2].forEach((piece) => wire.have(piece)))
    for (const piece of haves(a)) told.add(piece)
    expect(told.size).toBe(3)
    expect(seed.swarm.isSuperSeeding).toBe(false)
    const late = seed.joins('c')
    expect(hears(late)).toContain('have-all')
  })

  test('ends when there is another seed', () => {
    const { world: seed, a } = world()
    seed.joins('s').says((wire) => wire.haveAll())
    expect(seed.swarm.isSuperSeeding).toBe(false)
    expect(new Set(haves(a)).size).toBe(3)
  })

  test('a peer that says nothing of what it has is taken to have nothing', () => {
    const { world: seed } = world()
    const silent = seed.joins('x')
    expect(haves(silent)).toEqual([])
    seed.passes(SECOND)
    expect(haves(silent)).toHaveLength(1)
  })
})

describe('between two seeds', () => {
  const seed = (wire: WireEncoder): void => wire.haveAll()

  test('nothing can pass: we part in peace, and do not dial for half an hour', () => {
    const world = new World({ isSeed: true })
    world.swarm.addAddress(numbered(0), 'tracker')
    world.beats()
    const remote = world.dialled[0].opens().greets(id('seed')).says(seed)
    expect([remote.isClosed, world.dropped]).toEqual([true, []])
    world.passes(29 * MINUTE)
    expect(world.dialled).toHaveLength(1)
    world.passes(MINUTE + SECOND)
    expect(world.dialled).toHaveLength(2)
  })

  test('when we come to have everything, seeds are let go and others stay', () => {
    const world = new World()
    const remote = world.joins('seed').says(seed)
    const leecher = world.joins('leecher').says((wire) => wire.haveNone())
    for (let piece = 0; piece < 3; piece++) world.download.setHave(piece)
    world.swarm.becomeSeed()
    expect([remote.isClosed, leecher.isClosed]).toEqual([true, false])
  })
})

describe('peers that want nothing of each other', () => {
  const wantsNothing = (wire: WireEncoder): void => wire.extended(0, bencode({ upload_only: 1 }))

  test('a partial seed is of no use to a seed, nor is one that becomes a partial seed', () => {
    const world = new World({ isSeed: true })
    expect(world.joins('a').says(wantsNothing).isClosed).toBe(true)
    const later = world.joins('b').says((wire) => wire.have(1))
    later.says((wire) => wire.extended(3, Uint8Array.of(1)))
    expect([later.isClosed, world.dropped]).toEqual([true, []])
  })

  test('who says so and is interested all the same stays, and so does whoever is asked by us', () => {
    const seed = new World({ isSeed: true })
    expect(
      seed.joins('a').says((wire) => {
        wire.interested()
        wantsNothing(wire)
      }).isClosed,
    ).toBe(false)
    const leecher = new World()
    expect(leecher.joins('a').says(wantsNothing).isClosed).toBe(false)
  })

  test('when we come to have everything, partial seeds are let go, and the others told', () => {
    const world = new World()
    const partial = world.joins('a').says(wantsNothing)
    const knowing = world.joins('b').says((wire) => wire.extended(0, bencode({ m: { upload_only: 9 } })))
    const plain = world.joins('c')
    for (const remote of [knowing, plain]) hears(remote)
    for (let piece = 0; piece < 3; piece++) world.download.setHave(piece)
    world.swarm.becomeSeed()
    world.passes(SECOND)
    expect([partial.isClosed, knowing.isClosed, plain.isClosed]).toEqual([true, false, false])
    expect([hears(knowing), hears(plain)]).toEqual([['extended 9'], []])
  })
})

describe('when we want more than we did', () => {
  test('seeds that were let go are dialled again, and who was told that we want nothing is told of the change', () => {
    const world = new World()
    const { download, swarm } = world
    download.setPriorities(Uint8Array.of(4, 4, 0))
    for (const piece of [0, 1]) download.setHave(piece)
    swarm.addAddress(numbered(0), 'tracker')
    world.beats()
    const seed = world.dialled[0].opens().greets(id('seed'))
    seed.says((wire) => wire.haveAll())
    expect(seed.isClosed).toBe(true)
    const knowing = world.joins('b').says((wire) => wire.extended(0, bencode({ m: { upload_only: 9 } })))
    knowing.says((wire) => wire.have(2))
    world.passes(SECOND)
    expect(hears(knowing)).not.toContain('interested')

    download.setPriorities(Uint8Array.of(4, 4, 4))
    swarm.onWantedChange()
    swarm.becomeLeecher()
    world.passes(SECOND)
    expect(hears(knowing)).toEqual(['interested', 'extended 9'])
    expect(world.dialled).toHaveLength(2)
  })

  test('and when we want less, our interest ends', () => {
    const world = new World()
    const remote = world.joins('a').says((wire) => wire.have(2))
    world.passes(SECOND)
    expect(hears(remote)).toContain('interested')
    world.download.setPriorities(Uint8Array.of(4, 4, 0))
    world.swarm.onWantedChange()
    world.passes(SECOND)
    expect([hears(remote), world.peer(remote).isWanted]).toEqual([['not-interested'], false])
  })
})

describe('a seed suggests what it has in memory', () => {
  /** One that we serve, and `others` that have everything but piece 0. */
  async function served(fast: boolean, others = 2): Promise<{ world: World; remote: Remote }> {
    const world = new World({ isSeed: true })
    for (const name of ['x', 'y'].slice(0, others))
      world.joins(name).says((wire) => [1, 2].forEach((piece) => wire.have(piece)))
    const remote = world.comes(numbered(1))!
    remote.says((wire) => {
      wire.raw(encodeHandshake(metainfo.infohashV1!, id('a'), { extensions: false, fast }))
      wire.interested()
      wire.request(1, 0, BLOCK)
    })
    await settled()
    hears(remote)
    return { world, remote }
  }

  test('to one that it serves, each piece once', async () => {
    const { world, remote } = await served(true)
    world.passes(60 * SECOND)
    expect(hears(remote)).toEqual(['suggest 1'])
  })

  test('nothing that is rare: everybody would fetch the same', async () => {
    const { world, remote } = await served(true, 0)
    world.passes(60 * SECOND)
    expect(hears(remote)).toEqual([])
  })

  test('not to one that has it, nor to one without the fast extension', async () => {
    const { world, remote } = await served(true)
    remote.says((wire) => wire.have(1))
    world.passes(60 * SECOND)
    expect(hears(remote)).toEqual([])
    const plain = await served(false)
    plain.world.passes(60 * SECOND)
    expect(hears(plain.remote)).toEqual([])
  })
})

describe('when there are as many connections as there may be', () => {
  test.each([{ maxPeers: 2 }, { maxPeersPerTorrent: 2 }])('nobody more is let in, or dialled: %j', (budget) => {
    const world = new World({ budget })
    const served = ['a', 'b'].map((name) => world.joins(name).says((wire) => wire.interested()))
    world.swarm.addAddress(numbered(0), 'tracker')
    world.passes(30 * SECOND)
    expect([world.comes(numbered(9)), world.dialled.length, world.budget.peers]).toEqual([null, 0, 2])
    expect(served.map((remote) => remote.isClosed)).toEqual([false, false])
  })

  test('who comes and ranks higher takes the place of the lowest that is of no use; who ranks lower is refused', () => {
    const world = new World({ budget: { maxPeers: 2 } })
    const us = ipAddress('10.0.0.1', 6881)
    const byRank = [1, 2, 3, 4].map(numbered).sort((a, b) => peerPriority(us, a) - peerPriority(us, b))
    const lower = world.joins('l', byRank[1])
    const higher = world.joins('h', byRank[2])
    world.passes(20 * SECOND)
    expect(world.comes(byRank[0])).toBeNull()
    expect(world.joins('n', byRank[3]).isClosed).toBe(false)
    expect([lower.isClosed, higher.isClosed, world.dropped]).toEqual([true, false, []])
  })

  describe('and we know others', () => {
    /** Twenty who serve us nothing, and addresses never tried. */
    function crowded(options: WorldOptions = {}): { world: World; remotes: Remote[] } {
      const world = new World({ ...options, budget: { maxPeersPerTorrent: 20 } })
      const remotes = Array.from({ length: 20 }, (_, i) => world.joins(`peer ${i}`, numbered(1000 + i)))
      for (let i = 0; i < 100; i++) world.swarm.addAddress(numbered(i), 'tracker')
      return { world, remotes }
    }
    const closed = (remotes: Remote[]): number => remotes.filter((remote) => remote.isClosed).length

    test('one of twenty that are of no use makes way every few minutes, and no more', () => {
      const { world, remotes } = crowded()
      world.passes(140 * SECOND)
      expect([closed(remotes), world.dialled.length]).toEqual([0, 0])
      world.passes(20 * SECOND)
      expect([closed(remotes), world.dialled.length, world.dropped]).toEqual([1, 1, []])
      for (const remote of remotes) if (!remote.isClosed) remote.says((wire) => wire.keepAlive())
      world.dialled[0].opens().greets(id('new'))
      world.passes(146 * SECOND)
      expect([closed(remotes), world.dialled.length]).toEqual([2, 2])
    })

    test('the only one with a piece that we want stays', () => {
      const { world, remotes } = crowded()
      for (const remote of remotes.slice(1)) remote.leaves()
      const alone = remotes[0].says((wire) => wire.have(2))
      const limited = world.budget as { maxPeersPerTorrent: number }
      limited.maxPeersPerTorrent = 1
      world.passes(160 * SECOND)
      expect(alone.isClosed).toBe(false)
    })

    test('a seed turns nobody over', () => {
      const { world, remotes } = crowded({ isSeed: true })
      world.passes(200 * SECOND)
      expect(closed(remotes)).toBe(0)
    })
  })

  test('one who has been of no use for a minute makes way', () => {
    const world = new World({ budget: { maxPeers: 2 } })
    const idlest = world.joins('a')
    world.passes(20 * SECOND)
    const second = world.joins('b')
    world.passes(45 * SECOND)
    expect(world.joins('c').isClosed).toBe(false)
    expect([idlest.isClosed, second.isClosed, world.budget.peers]).toEqual([true, false, 2])
  })
})

test('closing closes everybody, lets nobody in, and blames nobody', () => {
  const world = new World()
  world.swarm.addAddress(numbered(0), 'tracker')
  const remote = world.joins('a').says((wire) => {
    wire.haveAll()
    wire.unchoke()
  })
  world.beats()
  world.swarm.close()
  expect([remote.isClosed, world.dialled[0].isClosed, world.comes(numbered(1))]).toEqual([true, true, null])
  expect([world.dropped, world.budget.peers, world.budget.halfOpen]).toEqual([[], 0, 0])
})
