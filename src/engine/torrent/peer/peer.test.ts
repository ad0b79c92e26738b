import { describe, expect, test } from 'vitest'
import { bencode, type Bencodable } from '../../../../tests/support/bencode.ts'
import { FakeConnection } from '../../../../tests/support/fake-connection.ts'
import { settled } from '../../../../tests/support/fake-clock.ts'
import { FakeDisk } from '../../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../../tests/support/payload.ts'
import { ipAddress } from '../../../base/address.ts'
import { Bitfield } from '../../../base/bitfield.ts'
import { concatBytes, encodeUtf8, fromHex, toHex } from '../../../base/bytes.ts'
import { NetworkError } from '../../../base/errors.ts'
import { PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../../protocol/metainfo/torrent-file.ts'
import {
  decodeExtensionHandshake,
  encodeHandshake,
  encodePieceHeader,
  WireEncoder,
} from '../../../protocol/wire/index.ts'
import { contentLayout } from '../../storage/content-layout.ts'
import { ReadCache } from '../../storage/read-cache.ts'
import { SlotLedger } from '../../storage/slot-ledger.ts'
import { RateLimiter } from '../../transport/rate-limiter.ts'
import { type BlockSource, Download } from '../download.ts'
import type { PeerOwner } from './peer-owner.ts'
import { Peer } from './peer.ts'
import { Upload } from '../upload.ts'

const BLOCK = 16_384
const SECOND = 1000
const METADATA = new Uint8Array(40_000).map((_, i) => i % 251)
const OUR_ID = encodeUtf8('-SH0010-us us us us ')
const THEIR_ID = encodeUtf8('-XX0001-them them them'.slice(0, 20))

interface WorldOptions {
  /** One character a piece: `*` where we have it. Pieces have two blocks. */
  readonly ours?: string
  readonly isIncoming?: boolean
  /** What the peer can do. */
  readonly fast?: boolean
  readonly extensions?: boolean
  /** Bytes per second that we may receive; 0: no limit. */
  readonly downRate?: number
  readonly isSuperSeeding?: boolean
  /** Most of the swarm has every piece. */
  readonly isCommon?: boolean
  /** Both have a node in the DHT. */
  readonly isInDht?: boolean
}

/** A torrent with one peer at the other end of a made-up connection, past the handshakes unless `isGreeted` is not called. */
class World {
  readonly options: Required<WorldOptions>
  readonly map: PieceMap
  readonly infohash: Uint8Array
  readonly download: Download<BlockSource>
  readonly disk = new FakeDisk({ slotCount: 64 })
  readonly connection = new FakeConnection(ipAddress('80.4.4.200', 50_000))
  readonly peer: Peer
  /** What the peer's owner heard: `open`, `interest`, `closed left`, ... */
  readonly events: string[] = []
  readonly payload: Payload
  readonly downLimiter: RateLimiter
  now = 1000
  /** Our IP as the peer sees it. */
  ourIp: string | null = null
  onHandshake: (peer: Peer) => void = () => {}

  constructor(options: WorldOptions = {}) {
    const defaults = {
      ours: '    ',
      isIncoming: true,
      fast: true,
      extensions: true,
      downRate: 0,
      isSuperSeeding: false,
      isCommon: true,
      isInDht: false,
    }
    this.options = { ...defaults, ...options }
    const { ours, isIncoming, downRate } = this.options
    this.downLimiter = new RateLimiter(downRate)
    const pieceLength = 2 * BLOCK
    this.payload = Payload.file('peer', ours.length * pieceLength)
    const metainfo = parseTorrent(makeTorrent(this.payload, pieceLength).file())
    this.map = new PieceMap(metainfo)
    this.infohash = metainfo.infohashV1!
    const layout = contentLayout(metainfo, this.map, { path: '/d' })
    this.disk.put(layout.root, this.payload.read(0, this.payload.size))
    const volume = this.disk.volume()
    const ledger = new SlotLedger(this.disk)
    const { map, disk } = this
    this.download = new Download<BlockSource>(
      { map, layout, volume, disk, ledger, pieceHashes: metainfo.pieceHashes!, below: () => 0, priorities: null },
      {
        onPieceStored: (piece) => this.peer.announceHave(piece),
        onGuilty: () => this.events.push('guilty'),
        onBlockDuplicated: (block) => this.peer.cancel(block),
        onStorageFailed: (error) => this.events.push(error.message),
        onSlotsFree: () => {},
      },
    )
    ledger.enter(this.download)
    for (const [piece, mark] of Array.from(ours).entries()) if (mark === '*') this.download.setHave(piece)
    const cache = new ReadCache(this.disk)
    const source = { map, volume, spans: layout.spans }
    const upload = new Upload<Peer>(source, cache, new RateLimiter(0), () => this.now, {
      onReadFailed: (error) => this.events.push(error.message),
      onSent: () => {},
    })
    const owner: PeerOwner<Peer> = {
      infohash: this.infohash,
      peerId: OUR_ID,
      map,
      download: this.download,
      upload,
      downLimiter: this.downLimiter,
      metadata: METADATA,
      exchange: null,
      dht: this.options.isInDht
        ? { portFor: () => 7777, addNode: ({ port }) => this.events.push(`node ${port}`) }
        : null,
      listenPort: 6881,
      maxQueuedBytes: 1 << 20,
      now: () => this.now,
      onOpen: () => this.events.push('open'),
      onHandshake: (peer) => this.onHandshake(peer),
      onInterestChange: () => this.events.push('interest'),
      onHaveChange: () => this.events.push('have'),
      onPiece: () => {},
      isCommon: () => this.options.isCommon,
      isSuperSeeding: this.options.isSuperSeeding,
      hides: () => false,
      servesNobody: false,
      onDialAddress: () => this.events.push('dial address'),
      onOurIp: (ip) => (this.ourIp = ip),
      onReceived: () => {},
      onFault: (error) => this.events.push(`fault ${(error as Error).message}`),
      onClosed: (_, reason) => this.events.push(`closed ${reason?.code ?? 'in order'}`),
    }
    this.peer = new Peer(owner, this.connection.remote, isIncoming)
    this.peer.attach(this.connection)
  }

  /** The peer sends messages, all in one chunk. */
  says(speak: (wire: WireEncoder) => void): void {
    const wire = new WireEncoder()
    speak(wire)
    this.peer.onBytes(wire.take())
  }

  greeting(infohash = this.infohash): Uint8Array {
    const { fast, extensions, isInDht: dht } = this.options
    return encodeHandshake(infohash, THEIR_ID, { fast, extensions, dht })
  }

  /** Past the handshakes; what we said so far is forgotten. */
  greeted(): this {
    this.says((wire) => wire.raw(this.greeting()))
    this.connection.hears()
    return this
  }

  /** Past the handshakes, with a peer that has everything, and lets us ask. */
  serving(): this {
    this.greeted()
    this.says((wire) => {
      wire.bitfield(Bitfield.full(this.map.pieceCount).bytes)
      wire.unchoke()
    })
    return this
  }

  /** The peer sends a block. */
  sends(piece: number, index: number, content = this.content(piece, index)): void {
    this.says((wire) => wire.raw(blockMessage(piece, index * BLOCK, content)))
  }

  content(piece: number, index: number): Uint8Array {
    return this.payload.read((2 * piece + index) * BLOCK, BLOCK)
  }

  /** Time passes, with a heartbeat each second. */
  passes(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += SECOND
      this.peer.tick(this.now)
    }
  }

  hears(): string[] {
    return this.connection.hears()
  }

  /** What another peer that has everything would be asked for now. */
  asksOthersFor(): number[] {
    const other = {
      have: Bitfield.full(this.map.pieceCount),
      allowedFast: new Set<number>(),
      isChokingUs: false,
      hasAsked: () => false,
      etaMs: () => Infinity,
    } as unknown as Peer
    return this.download.pick(other, 99, 0)
  }
}

function blockMessage(piece: number, begin: number, content: Uint8Array): Uint8Array {
  const head = new Uint8Array(13)
  encodePieceHeader(head, 0, piece, begin, content.length)
  return concatBytes([head, content])
}

const requestsOf = (lines: string[]): string[] => lines.filter((line) => line.startsWith('request '))
const suggest = fromHex('000000050d00000001')!

describe('the handshake', () => {
  test('of one who dials us is answered at once; the rest follows its peer id', () => {
    const world = new World({ ours: '*   ' })
    const opening = `handshake ${toHex(world.infohash)} fast extensions`
    expect(world.hears()).toEqual([opening, `peer-id ${toHex(OUR_ID)}`])
    const greeting = world.greeting()
    world.says((wire) => wire.raw(greeting.subarray(0, 50)))
    expect(world.hears()).toEqual([])
    world.says((wire) => wire.raw(greeting.subarray(50)))
    expect(world.hears()).toEqual(['extended 0', 'bitfield 80', 'allowed-fast 0'])
    expect(world.peer.peerId).toEqual(THEIR_ID)
  })

  test('of a newcomer brings it nothing that is rare in the swarm', () => {
    const world = new World({ ours: '*   ', isCommon: false })
    world.says((wire) => wire.raw(world.greeting()))
    expect(world.hears().slice(2)).toEqual(['extended 0', 'bitfield 80'])
  })

  test('of one whom we dial begins with ours, once the connection is open', () => {
    const world = new World({ isIncoming: false })
    world.peer.flush()
    expect(world.hears()).toEqual([])
    world.peer.onOpen()
    expect(world.events).toEqual(['open'])
    expect(world.hears()).toHaveLength(2)
  })

  test.each([
    ['    ', 'have-none'],
    ['****', 'have-all'],
    ['* * ', 'bitfield a0'],
  ])('with "%s" we say %s', (ours, line) => {
    const world = new World({ ours })
    world.hears()
    world.says((wire) => wire.raw(world.greeting()))
    expect(world.hears()).toContain(line)
  })

  test('with one who knows no extensions is BEP 3 alone', () => {
    const world = new World({ fast: false, extensions: false, ours: '****' })
    world.hears()
    world.says((wire) => wire.raw(world.greeting()))
    expect(world.hears()).toEqual(['bitfield f0'])
    const empty = new World({ fast: false, extensions: false })
    empty.hears()
    empty.says((wire) => wire.raw(empty.greeting()))
    expect(empty.hears()).toEqual([])
  })

  test('for another torrent ends the connection', () => {
    const world = new World({ isIncoming: false })
    world.peer.onOpen()
    world.says((wire) => wire.raw(world.greeting(new Uint8Array(20))))
    expect([world.events.at(-1), world.connection.isClosed]).toEqual(['closed wrong_infohash', true])
  })

  test('that the swarm refuses ends it at once: nothing after it counts, though it came in the same chunk', () => {
    const world = new World({ ours: '**  ' })
    world.onHandshake = (peer) => peer.close(null)
    world.says((wire) => {
      wire.raw(world.greeting())
      wire.haveAll()
      wire.interested()
      wire.request(0, 0, BLOCK)
    })
    expect(world.events).toEqual(['closed in order'])
    expect(world.download.picker.availability(3)).toBe(0)
    expect(world.disk.operations).toEqual([])
  })
})

describe('the extension handshake', () => {
  test('says who we are, what we take, where we listen, and what we see', () => {
    const world = new World({ ours: '****' })
    world.says((wire) => wire.raw(world.greeting()))
    const line = world.connection.hearsAll().find((each) => each.startsWith('extended 0 '))!
    expect(decodeExtensionHandshake(fromHex(line.slice('extended 0 '.length))!)).toMatchObject({
      client: expect.stringMatching(/^Shoal \d/) as string,
      requestQueue: 2000,
      listenPort: 6881,
      yourIp: '80.4.4.200',
      isUploadOnly: true,
    })
  })

  test('does not say that a super-seed wants nothing: it would be taken to be of no use', () => {
    const world = new World({ ours: '****', isSuperSeeding: true })
    world.says((wire) => wire.raw(world.greeting()))
    const line = world.connection.hearsAll().find((each) => each.startsWith('extended 0 '))!
    expect(decodeExtensionHandshake(fromHex(line.slice('extended 0 '.length))!).isUploadOnly).toBe(false)
  })

  const extended = (world: World, value: Bencodable): void => world.says((wire) => wire.extended(0, bencode(value)))

  test('tells us who they are, and where an incoming peer can be dialled: its first word counts', () => {
    const world = new World().greeted()
    extended(world, { v: 'Other 1.0', p: 7000 })
    expect([world.peer.client, world.peer.dialAddress]).toEqual(['Other 1.0', ipAddress('80.4.4.200', 7000)])
    extended(world, { p: 8000 })
    expect([world.peer.client, world.peer.dialAddress?.port]).toEqual(['Other 1.0', 7000])
  })

  test('bounds how much we ask for at once', () => {
    const world = new World({ ours: ' '.repeat(20) }).greeted()
    extended(world, { reqq: 3 })
    world.says((wire) => {
      wire.haveAll()
      wire.unchoke()
    })
    expect(requestsOf(world.hears())).toHaveLength(3)
  })

  test('says under which IP the peer sees us, and that it wants nothing, once and later on', () => {
    const world = new World().greeted()
    extended(world, { yourip: '\x50\x01\x02\x03' })
    expect([world.ourIp, world.peer.isUploadOnly]).toEqual(['80.1.2.3', false])
    extended(world, { upload_only: 1 })
    expect(world.peer.isUploadOnly).toBe(true)
    world.says((wire) => wire.extended(3, Uint8Array.of(0)))
    expect(world.peer.isUploadOnly).toBe(false)
    world.says((wire) => wire.extended(3, Uint8Array.of(1, 2)))
    expect(world.events.at(-1)).toBe('closed bad_upload_only')
  })

  test('may come again, but not without measure', () => {
    const world = new World().greeted()
    for (let i = 0; i < 10; i++) extended(world, { v: `name ${i}` })
    expect(world.peer.client).toBe('name 9')
    extended(world, {})
    expect(world.events).toEqual(['closed extension_flood'])
  })

  test('other extension messages are passed over: we asked for none', () => {
    const world = new World().greeted()
    world.says((wire) => wire.extended(7, Uint8Array.of(1, 2, 3)))
    expect(world.events).toEqual([])
  })
})

describe('what breaks the rules', () => {
  const rules: [string, Partial<WorldOptions>, (wire: WireEncoder) => void, string][] = [
    ['a bitfield that is too long', {}, (wire) => wire.bitfield(Uint8Array.of(0xf0, 0)), 'bad_bitfield'],
    ['a bitfield with spare bits', {}, (wire) => wire.bitfield(Uint8Array.of(0xf8)), 'bad_bitfield'],
    ['a piece that there is not', {}, (wire) => wire.have(4), 'bad_piece'],
    ['a request in a piece that there is not', {}, (wire) => wire.request(4, 0, BLOCK), 'bad_piece'],
    ['a request beyond the piece', {}, (wire) => wire.request(0, BLOCK, BLOCK + 1), 'bad_request'],
    ['a request of nothing', {}, (wire) => wire.request(0, 0, 0), 'bad_request'],
    [
      'a block that nobody asked for',
      {},
      (wire) => wire.raw(blockMessage(0, 0, new Uint8Array(BLOCK))),
      'unrequested_block',
    ],
    ['a block that is none of ours', {}, (wire) => wire.raw(blockMessage(0, 5, new Uint8Array(BLOCK))), 'bad_block'],
    ['have-all without the fast extension', { fast: false }, (wire) => wire.haveAll(), 'not_negotiated'],
    ['have-none without the fast extension', { fast: false }, (wire) => wire.haveNone(), 'not_negotiated'],
    ['a reject without the fast extension', { fast: false }, (wire) => wire.reject(0, 0, BLOCK), 'not_negotiated'],
    ['allowed-fast without the fast extension', { fast: false }, (wire) => wire.allowedFast(0), 'not_negotiated'],
    ['a suggestion without the fast extension', { fast: false }, (wire) => wire.raw(suggest), 'not_negotiated'],
    [
      'an extension message without extensions',
      { extensions: false },
      (wire) => wire.extended(0, bencode({})),
      'not_negotiated',
    ],
    ['an extension handshake that is none', {}, (wire) => wire.extended(0, encodeUtf8('x')), 'bad_extension_handshake'],
  ]
  test.each(rules)('%s', (_, options, speak, code) => {
    const world = new World(options).greeted()
    world.says(speak)
    expect([world.events, world.connection.isClosed]).toEqual([[`closed ${code}`], true])
  })

  test('telling what it has over and over', () => {
    const world = new World().greeted()
    world.says((wire) => {
      for (let i = 0; i <= 100; i++) wire.bitfield(Uint8Array.of(0xf0))
    })
    expect(world.events.at(-1)).toBe('closed have_flood')
  })
})

describe('what the peer has', () => {
  test('is told anew by a later bitfield, as aria2 does instead of many haves', () => {
    const world = new World().greeted()
    world.says((wire) => wire.haveNone())
    world.says((wire) => wire.bitfield(Uint8Array.of(0xa0)))
    expect(world.events).not.toContain('closed have_flood')
    expect(world.peer.have.count).toBe(2)
    expect([0, 1, 2, 3].map((piece) => world.peer.have.has(piece))).toEqual([true, false, true, false])
  })
})

describe('interest', () => {
  test('is told when the peer has what we lack, and withdrawn when we have it', async () => {
    const world = new World({ ours: ' ***' }).greeted()
    world.says((wire) => wire.have(1))
    expect(world.hears()).toEqual([])
    world.says((wire) => wire.have(0))
    expect(world.hears()).toEqual(['interested'])
    world.says((wire) => wire.unchoke())
    world.sends(0, 0)
    world.sends(0, 1)
    await settled()
    world.peer.flush()
    expect(world.hears().at(-1)).toBe('not-interested')
  })

  test('our new pieces are told to a peer that lacks them', () => {
    const world = new World().greeted()
    world.says((wire) => wire.bitfield(Uint8Array.of(0x80)))
    world.hears()
    world.peer.announceHave(0)
    world.peer.announceHave(2)
    world.peer.flush()
    expect(world.hears().filter((line) => line.startsWith('have'))).toEqual(['have 2'])
  })
})

describe('news of our pieces', () => {
  const haves = (world: World): string[] => world.hears().filter((line) => line.startsWith('have '))

  /** A heartbeat each 100 ms, with a new piece of ours in each; returns when the peer heard of which. */
  function beats(world: World): string[] {
    return [0, 1, 2, 3].flatMap((piece, beat) => {
      world.now += 100
      world.peer.announceHave(piece)
      world.peer.tick(world.now)
      return haves(world).map((have) => `${beat}: ${have}`)
    })
  }

  test('goes at once to a peer that wants nothing of us yet, or that we serve', () => {
    const bored = new World().greeted()
    expect(beats(bored)).toEqual(['0: have 0', '1: have 1', '2: have 2', '3: have 3'])
    const served = new World().greeted()
    served.says((wire) => wire.interested())
    served.peer.unchoke()
    expect(beats(served)).toEqual(['0: have 0', '1: have 1', '2: have 2', '3: have 3'])
  })

  test('comes within a second to who waits for a slot, and not for what it has by then', () => {
    const world = new World().greeted()
    world.says((wire) => wire.interested())
    expect(beats(world).slice(1)).toEqual([])
    world.says((wire) => wire.have(2))
    world.now += 1000
    world.peer.tick(world.now)
    expect(haves(world)).not.toContain('have 2')
  })

  test('goes along with anything else that is said', () => {
    const world = new World().greeted()
    world.says((wire) => wire.interested())
    expect(beats(world).slice(1)).toEqual([])
    world.peer.unchoke()
    world.peer.flush()
    expect(world.hears()).toEqual(['unchoke', 'have 1', 'have 2', 'have 3'])
  })
})

describe('asking', () => {
  test('begins when we are unchoked, and goes on as blocks come', async () => {
    const world = new World().greeted()
    world.says((wire) => wire.haveAll())
    expect(world.hears()).toEqual(['interested'])
    world.says((wire) => wire.unchoke())
    const asked = requestsOf(world.hears())
    expect(asked).toHaveLength(8)
    expect(new Set(asked).size).toBe(8)
    for (let piece = 0; piece < 4; piece++) for (const index of [0, 1]) world.sends(piece, index)
    await settled()
    expect([world.download.isComplete, world.events]).toEqual([true, ['have']])
  })

  test('while choked, only for pieces that the peer allows', () => {
    const world = new World().greeted()
    world.says((wire) => {
      wire.haveAll()
      wire.allowedFast(2)
    })
    expect(requestsOf(world.hears())).toEqual([`request 2:0 ${BLOCK}`, `request 2:${BLOCK} ${BLOCK}`])
  })

  test('a choke without the fast extension takes all requests back: others are asked', () => {
    const world = new World({ fast: false }).serving()
    expect(world.asksOthersFor()).toEqual([])
    world.says((wire) => wire.choke())
    expect(world.asksOthersFor()).toHaveLength(8)
  })

  test('with the fast extension each request is answered by itself', () => {
    const world = new World().serving()
    world.says((wire) => wire.choke())
    expect(world.asksOthersFor()).toEqual([])
    world.says((wire) => wire.reject(1, 0, BLOCK))
    expect(world.asksOthersFor()).toEqual([2])
    world.sends(1, 1)
    expect(world.events).toEqual(['have'])
  })

  test('rejects before the choke, as Transmission sends them, are no offence', () => {
    const world = new World({ ours: ' '.repeat(100) }).serving()
    for (let piece = 0; piece < 100; piece++) world.says((wire) => wire.reject(piece, 0, BLOCK))
    world.says((wire) => {
      for (let piece = 0; piece < 100; piece++) wire.reject(piece, BLOCK, BLOCK)
      wire.choke()
    })
    expect(world.events).toEqual(['have'])
  })

  test('one who rejects for ever what it says it has is a liar', () => {
    const world = new World().serving()
    for (let i = 0; i < 1000 && !world.connection.isClosed; i++)
      world.says((wire) => {
        for (let piece = 0; piece < 4; piece++) for (const begin of [0, BLOCK]) wire.reject(piece, begin, BLOCK)
      })
    expect(world.events.at(-1)).toBe('closed rejects')
  })

  test('so is one who serves some pieces and always rejects another that it says it has', () => {
    const world = new World().serving()
    let rejects = 0
    while (!world.connection.isClosed && rejects < 100) {
      world.says((wire) => wire.reject(3, 0, BLOCK))
      if (rejects++ === 10) world.sends(0, 0)
    }
    expect(world.events.at(-1)).toBe('closed rejects')
    expect(rejects).toBeLessThan(40)
  })

  test('rejecting all and choking, again and again, counts as silence', () => {
    const world = new World().serving()
    for (let round = 0; round < 20 && !world.connection.isClosed; round++) {
      world.peer.endRound()
      world.says((wire) => {
        for (let piece = 0; piece < 4; piece++) for (const begin of [0, BLOCK]) wire.reject(piece, begin, BLOCK)
        wire.choke()
        wire.unchoke()
      })
    }
    expect(world.events.at(-1)).toBe('closed silent')
  })

  test('a piece that the peer suggests comes first, where it is as good as others', () => {
    const world = new World({ ours: `****${' '.repeat(36)}` }).greeted()
    world.says((wire) => {
      wire.suggest(33)
      wire.haveAll()
      wire.unchoke()
    })
    expect(requestsOf(world.hears())[0]).toBe(`request 33:0 ${BLOCK}`)
  })

  test('a block that somebody else brought is cancelled, and forgiven when it comes all the same', () => {
    const world = new World().serving()
    world.hears()
    world.peer.cancel(3)
    world.peer.flush()
    expect(world.hears()).toContain(`cancel 1:${BLOCK} ${BLOCK}`)
    world.sends(1, 1)
    expect(world.events).toEqual(['have'])
    world.sends(1, 1)
    expect(world.events.at(-1)).toBe('closed unrequested_block')
  })

  test('waits for memory, and goes on when somebody else has given some back', () => {
    const world = new World().greeted()
    const taken = Array.from({ length: 64 }, () => world.disk.takeSlot())
    world.says((wire) => {
      wire.haveAll()
      wire.unchoke()
    })
    world.passes(SECOND)
    expect(requestsOf(world.hears())).toEqual([])
    for (const slot of taken) world.disk.returnSlot(slot)
    world.passes(SECOND)
    expect(requestsOf(world.hears())).toHaveLength(8)
  })

  test('under a rate limit waits for its turn, and takes of the rate what it asks for', () => {
    const world = new World({ ours: ' '.repeat(50), downRate: 40 * BLOCK }).serving()
    world.passes(SECOND)
    expect(requestsOf(world.hears())).toEqual([])
    const before = world.downLimiter.available(world.now)
    expect(world.peer.requestSome(3)).toBe(3 * BLOCK)
    world.peer.flush()
    expect(requestsOf(world.hears())).toHaveLength(3)
    expect(world.downLimiter.available(world.now)).toBe(before - 3 * BLOCK)
    expect(world.peer.requestSome(100)).toBe(5 * BLOCK)
    expect([world.peer.hasRoomToAsk, world.peer.requestSome(100)]).toEqual([false, 0])
  })

  test('gives back of the rate what is refused or given up, and takes again what comes of it all the same', () => {
    const world = new World({ ours: ' '.repeat(50), downRate: 40 * BLOCK }).serving()
    world.peer.requestSome(4)
    world.peer.flush()
    const [refused, ...asked] = requestsOf(world.hears()).map((line) => {
      const [piece, begin] = /(\d+):(\d+)/.exec(line)!.slice(1).map(Number)
      return { piece, begin }
    })
    const taken = (): number => -world.downLimiter.available(world.now)
    expect(taken()).toBe(4 * BLOCK)
    world.says((wire) => wire.reject(refused.piece, refused.begin, BLOCK))
    expect(taken()).toBe(3 * BLOCK)
    world.peer.keepOnly(1)
    world.peer.flush()
    expect(world.hears().filter((line) => line.startsWith('cancel'))).toHaveLength(2)
    expect([taken(), world.peer.outstanding]).toEqual([BLOCK, 1])
    for (const { piece, begin } of asked) world.sends(piece, begin / BLOCK)
    expect([taken(), world.peer.outstanding]).toEqual([3 * BLOCK, 0])
    expect(world.events).not.toContain('closed unrequested_block')
  })
})

describe('silence', () => {
  test('after 15 s without a byte, others are asked; what comes late is taken, and we ask again', () => {
    const world = new World().serving()
    world.passes(15 * SECOND)
    expect(world.asksOthersFor()).toEqual([])
    world.passes(SECOND)
    expect(world.asksOthersFor()).toHaveLength(8)
    const before = world.download.wastedBytes
    world.sends(0, 0)
    expect([world.download.wastedBytes, world.events]).toEqual([before, ['have']])
  })

  test('after 45 s without a block the peer is closed, though it sends a byte now and then', () => {
    const world = new World().serving()
    const block = blockMessage(0, 0, world.content(0, 0))
    world.peer.onBytes(block.subarray(0, 14))
    for (let second = 0; second < 44; second++) {
      world.passes(SECOND)
      world.peer.onBytes(block.subarray(14 + second, 15 + second))
    }
    expect(world.events).toEqual(['have'])
    world.passes(2 * SECOND)
    expect(world.events.at(-1)).toBe('closed silent')
    expect(world.asksOthersFor()).toHaveLength(8)
  })

  test('is told to one who goes silent, but for the first block: no second copies come beside those of others', () => {
    const world = new World({ ours: '      ' }).serving()
    const [, ...others] = requestsOf(world.hears())
    world.passes(16 * SECOND)
    const cancels = world.hears().filter((line) => line.startsWith('cancel'))
    expect(cancels).toEqual(others.map((line) => line.replace('request', 'cancel')))
  })

  test('of one who has taken long before, and sent a block, is borne for longer', () => {
    const world = new World({ ours: ' '.repeat(20) }).serving()
    world.passes(14 * SECOND)
    world.sends(0, 0)
    world.passes(28 * SECOND)
    expect(world.peer.isSnubbed).toBe(false)
    world.passes(SECOND)
    expect(world.peer.isSnubbed).toBe(true)
  })

  test('saying "unchoke" again and again does not count for blocks', () => {
    const world = new World().serving()
    for (let second = 0; second < 60; second += 5) {
      world.passes(5 * SECOND)
      if (!world.connection.isClosed) world.says((wire) => wire.unchoke())
    }
    expect(world.events.at(-1)).toBe('closed silent')
  })

  test('nor does choking and unchoking', () => {
    const world = new World().serving()
    for (let second = 0; second < 300 && !world.connection.isClosed; second += 10) {
      world.passes(10 * SECOND)
      if (world.connection.isClosed) break
      world.peer.endRound()
      world.says((wire) => {
        wire.choke()
        wire.unchoke()
      })
    }
    expect(world.events.at(-1)).toBe('closed silent')
  })

  test('of a peer from which we want nothing is no offence, until four minutes have passed', () => {
    const world = new World({ ours: '****' }).greeted()
    world.passes(240 * SECOND)
    expect(world.events).toEqual([])
    world.passes(SECOND)
    expect(world.events).toEqual(['closed inactive'])
  })

  test('of ours is broken by a keep-alive, not oftener than needed', () => {
    const world = new World().greeted()
    world.passes(99 * SECOND)
    expect(world.hears()).toEqual([])
    world.passes(2 * SECOND)
    expect(world.hears()).toEqual(['keep-alive'])
    world.passes(99 * SECOND)
    expect(world.hears()).toEqual([])
  })

  test('before the handshake ends the connection after 15 s, before it is open after 10 s', () => {
    const incoming = new World()
    incoming.passes(16 * SECOND)
    expect(incoming.events).toEqual(['closed handshake_timeout'])
    const dialled = new World({ isIncoming: false })
    dialled.passes(11 * SECOND)
    expect(dialled.events).toEqual(['closed connect_timeout'])
  })
})

describe('the end', () => {
  test('of a peer that owes us blocks is its doing; those are asked of others', () => {
    const world = new World().serving()
    world.peer.onClose(new NetworkError('econnreset', 'Lost the connection'))
    expect(world.events.at(-1)).toBe('closed left')
    expect([world.asksOthersFor().length, world.download.picker.availability(0)]).toEqual([8, 0])
  })

  test('is not the doing of one that owes us blocks, when it was our address that went', () => {
    const world = new World().serving()
    world.peer.onClose(new NetworkError('address_gone', 'Lost the connection'))
    expect(world.events.at(-1)).toBe('closed in order')
    expect([world.asksOthersFor().length, world.peer.endedBy]).toEqual([8, 'address_gone'])
  })

  test('of any other is nobody’s', () => {
    const world = new World().greeted()
    world.peer.onEnd()
    world.peer.onClose(null)
    expect([world.events, world.connection.isClosed]).toEqual([['closed in order'], true])
  })

  test('in the middle of a block costs no memory', async () => {
    const world = new World().serving()
    world.peer.onBytes(blockMessage(0, 0, world.content(0, 0)).subarray(0, 1000))
    world.peer.close(null)
    await world.download.stop()
    expect(world.disk.freeSlots).toBe(64)
  })

  test('by a mistake of our own blames nobody, and is told', () => {
    const world = new World().serving()
    world.onHandshake = () => {}
    world.peer.onClose(new Error('a bug'))
    expect(world.events.slice(1)).toEqual(['closed in order', 'fault a bug'])
    const other = new World()
    other.onHandshake = () => {
      throw new Error('another bug')
    }
    other.says((wire) => wire.raw(other.greeting()))
    expect(other.events).toEqual(['closed in order', 'fault another bug'])
  })
})

describe('serving', () => {
  /** A peer that wants something of ours, which is everything. It has a slot, unless it is choked. */
  async function taking({ isChoked = false, fast = true, pieces = 12 } = {}): Promise<World> {
    const world = new World({ ours: '*'.repeat(pieces), fast }).greeted()
    world.says((wire) => wire.interested())
    if (!isChoked) world.peer.unchoke()
    world.peer.flush()
    world.hears()
    await settled()
    return world
  }

  test('a request is answered with the block', async () => {
    const world = await taking()
    world.says((wire) => wire.request(3, BLOCK, BLOCK))
    await settled()
    expect(world.hears()).toEqual([`piece 3:${BLOCK} ${toHex(world.content(3, 1))}`])
    expect(world.peer.bytesToPeer).toBe(BLOCK)
  })

  test('a peer that is choked is refused all but ten pieces, or gets no answer without the fast extension', async () => {
    const world = await taking({ isChoked: true })
    const isAllowed = (piece: number): boolean => {
      world.says((wire) => wire.request(piece, 0, BLOCK))
      return !world.hears().includes(`reject ${piece}:0 ${BLOCK}`)
    }
    const pieces = Array.from({ length: 12 }, (_, piece) => piece)
    expect(pieces.filter(isAllowed)).toHaveLength(10)
    const plain = await taking({ isChoked: true, fast: false })
    plain.says((wire) => wire.request(3, 0, BLOCK))
    await settled()
    expect([plain.hears(), plain.events]).toEqual([[], ['interest']])
  })

  test('what we do not have is refused', () => {
    const world = new World({ ours: '*   ' }).greeted()
    world.peer.unchoke()
    world.says((wire) => wire.request(1, 0, BLOCK))
    expect(world.hears()).toEqual(['unchoke', `reject 1:0 ${BLOCK}`])
  })

  test('a choke refuses what waits, but for pieces that are always allowed', async () => {
    const world = await taking()
    world.connection.isReading = false
    world.disk.isHeld = true
    world.says((wire) => {
      for (let piece = 0; piece < 12; piece++) wire.request(piece, 0, BLOCK)
    })
    world.peer.choke()
    world.peer.flush()
    const refused = world.hears().filter((line) => line.startsWith('reject'))
    expect([refused.length, world.peer.uploads.length]).toEqual([2, 10])
  })

  test('a request that is taken back is answered, too', async () => {
    const world = await taking()
    world.disk.isHeld = true
    world.says((wire) => {
      wire.request(3, 0, BLOCK)
      wire.request(4, 0, BLOCK)
      wire.cancel(3, 0, BLOCK)
      wire.cancel(9, 0, BLOCK)
    })
    expect(world.hears()).toEqual([`reject 3:0 ${BLOCK}`])
    world.disk.goAll()
    await settled()
    expect(world.hears()).toEqual([`piece 4:0 ${toHex(world.content(4, 0))}`])
  })

  test('when a peer goes, what its socket was sending from is free', async () => {
    const world = await taking()
    world.says((wire) => wire.request(3, 0, BLOCK))
    await settled()
    expect(world.connection.queuedBytes).toBeGreaterThan(0)
    world.peer.onClose(null)
    world.connection.take()
    expect(world.events.at(-1)).toBe('closed in order')
  })
})

describe('floods', () => {
  test('one who asks without reading the answers is closed before they fill the memory', () => {
    const world = new World({ ours: '****' }).greeted()
    world.peer.unchoke()
    world.connection.isReading = false
    let chunks = 0
    while (!world.connection.isClosed && chunks < 100) {
      chunks++
      world.says((wire) => {
        for (let i = 0; i < 60_000; i++) wire.request(i % 4, 0, BLOCK)
      })
    }
    expect(world.events.at(-1)).toBe('closed flood')
    expect(chunks).toBeLessThan(20)
  })

  test('one who takes nothing of what it asked for is closed after two minutes: others need the memory', async () => {
    const world = new World({ ours: '****' }).greeted()
    world.peer.unchoke()
    world.connection.isReading = false
    world.says((wire) => wire.request(0, 0, BLOCK))
    await settled()
    for (let second = 0; second < 120; second += 10) {
      world.passes(10 * SECOND)
      world.says((wire) => wire.keepAlive())
    }
    expect(world.events).toEqual([])
    world.passes(2 * SECOND)
    expect(world.events).toEqual(['closed not_reading'])
  })

  test('nobody queues more than it may', () => {
    const world = new World({ ours: '*'.repeat(40) }).greeted()
    world.peer.unchoke()
    world.connection.isReading = false
    world.disk.isHeld = true
    world.says((wire) => {
      for (let i = 0; i < 70_000; i++) wire.request(i % 40, 0, BLOCK)
    })
    expect(world.peer.uploads.length).toBe(65_536)
    expect(world.hears().filter((line) => line.startsWith('reject'))).toHaveLength(70_000 - 65_536)
  })

  test('allowed pieces are remembered up to a hundred', () => {
    const world = new World({ ours: ' '.repeat(300) }).greeted()
    for (let piece = 0; piece < 300; piece++) world.says((wire) => wire.allowedFast(piece))
    expect(world.peer.allowedFast.size).toBe(100)
  })

  test('extension messages that nobody asked for are passed over, five hundred within ten seconds', () => {
    const world = new World().greeted()
    const messages = (count: number): void =>
      world.says((wire) => {
        for (let i = 0; i < count; i++) wire.extended(9, Uint8Array.of(1))
      })
    messages(500)
    world.peer.endRound()
    messages(500)
    expect(world.events).toEqual([])
    messages(1)
    expect(world.events).toEqual(['closed extension_flood'])
  })

  test('saying over and over that it has what it said it has', () => {
    const world = new World().greeted()
    const repeats = (count: number): void =>
      world.says((wire) => {
        for (let i = 0; i < count; i++) wire.have(1)
      })
    repeats(1005)
    expect(world.events).toEqual([])
    repeats(1)
    expect(world.events).toEqual(['closed have_flood'])
  })

  test.each(['suggest', 'allowedFast'] as const)('"%s" a thousand times within ten seconds is enough', (hint) => {
    const world = new World().greeted()
    const hints = (count: number): void =>
      world.says((wire) => {
        for (let i = 0; i < count; i++) wire[hint](i % 4)
      })
    hints(1000)
    world.peer.endRound()
    hints(1000)
    expect(world.events).toEqual([])
    hints(1)
    expect(world.events).toEqual(['closed hint_flood'])
  })

  test('choking and unchoking without measure, though we want nothing', () => {
    const world = new World({ ours: '****' }).greeted()
    const flaps = (count: number): void =>
      world.says((wire) => {
        for (let i = 0; i < count; i++) {
          wire.unchoke()
          wire.choke()
        }
      })
    flaps(30)
    world.peer.endRound()
    flaps(30)
    expect(world.events).toEqual([])
    flaps(1)
    expect(world.events).toEqual(['closed choke_flapping'])
  })

  test('requests of one who is choked: what crosses our choke is forgiven, a flood is not', () => {
    const world = new World({ ours: '    ' }).greeted()
    const asks = (count: number): void =>
      world.says((wire) => {
        for (let i = 0; i < count; i++) wire.request(i % 4, 0, BLOCK)
      })
    asks(20_000)
    world.peer.endRound()
    asks(20_000)
    expect(world.events).toEqual([])
    asks(1)
    expect(world.events).toEqual(['closed request_flood'])
  })

  test('interest that comes and goes without end is an offence', () => {
    const world = new World({ ours: '****' }).greeted()
    world.says((wire) => {
      for (let i = 0; i < 1000; i++) {
        wire.interested()
        wire.notInterested()
      }
    })
    expect(world.events.at(-1)).toBe('closed interest_flapping')
    expect(world.events.length).toBeLessThan(110)
  })
})

test('peers that are in the DHT tell each other where, and are believed once', () => {
  const world = new World({ isInDht: true })
  world.says((wire) => wire.raw(world.greeting()))
  expect(world.hears()).toContain('port 7777')
  world.says((wire) => {
    wire.port(4000)
    wire.port(4001)
  })
  expect(world.events.filter((event) => event.startsWith('node'))).toEqual(['node 4000'])
})

test('without the DHT nobody is told of a node, nor listened to', () => {
  const world = new World()
  world.says((wire) => wire.raw(world.greeting()))
  expect(world.hears().filter((line) => line.startsWith('port'))).toEqual([])
  world.says((wire) => wire.port(4000))
  expect(world.events.filter((event) => event.startsWith('node'))).toEqual([])
})
