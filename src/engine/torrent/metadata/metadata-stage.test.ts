// The stage with peers that say what each test wants, and a network that is not there.
import { describe, expect, test } from 'vitest'
import { FakeConnection } from '../../../../tests/support/fake-connection.ts'
import { WireLog } from '../../../../tests/support/wire-log.ts'
import { type Address, ipAddress } from '../../../base/address.ts'
import { equalBytes } from '../../../base/bytes.ts'
import type { ConnectionHandler, Network } from '../../../platform/platform.ts'
import {
  encodeExtensionHandshake,
  encodeHandshake,
  encodeMetadataPart,
  EXTENSION_HANDSHAKE_ID,
  METADATA_PART_BYTES,
  encodePex,
  UT_METADATA,
  UT_PEX,
  WireDecoder,
  WireEncoder,
} from '../../../protocol/wire/index.ts'
import { PeerBook } from '../../policy/peer-book.ts'
import type { DhtLink } from '../dht-link.ts'
import { MetadataMemory } from './metadata-memory.ts'
import { MetadataStage } from './metadata-stage.ts'
import { extensionIds } from '../peer/peer-extensions.ts'
import type { Swarm } from '../swarm.ts'

const INFOHASH = new Uint8Array(20).fill(1)
/** The id under which our peers want metadata, and that under which we do. */
const THEIR_METADATA_ID = 7
const OUR_METADATA_ID = extensionIds(true).get(UT_METADATA)!
const OUR_PEX_ID = extensionIds(true).get(UT_PEX)!
const NO_FLAGS = {
  prefersEncryption: false,
  isUploadOnly: false,
  hasUtp: false,
  hasHolepunch: false,
  isReachable: false,
}

class Remote {
  readonly connection: FakeConnection
  readonly handler: ConnectionHandler

  constructor(connection: FakeConnection, handler: ConnectionHandler) {
    this.connection = connection
    this.handler = handler
  }

  says(write: (encoder: WireEncoder) => void): void {
    const encoder = new WireEncoder()
    write(encoder)
    this.sends(encoder.take())
  }

  sends(bytes: Uint8Array): void {
    this.handler.onBytes(bytes)
  }

  /** Its handshakes. @param metadataSize null: it has none */
  greets(id: number, metadataSize: number | null): this {
    const extensions = new Map([[UT_METADATA, THEIR_METADATA_ID]])
    const about = { client: 'test', requestQueue: 250, listenPort: null, yourIp: '10.0.0.1', isUploadOnly: false }
    this.says((encoder) => {
      encoder.raw(encodeHandshake(INFOHASH, new Uint8Array(20).fill(id), { extensions: true, fast: true }))
      encoder.extended(EXTENSION_HANDSHAKE_ID, encodeExtensionHandshake({ ...about, extensions, metadataSize }))
    })
    return this
  }

  sendsPart(metadata: Uint8Array, part: number): void {
    this.says((encoder) => encoder.extended(OUR_METADATA_ID, encodeMetadataPart(metadata, part)))
  }
}

class World {
  now = 0
  found: Uint8Array | null = null
  readonly dropped: string[] = []
  readonly budget = { maxPeers: 200, maxPeersPerTorrent: 60, maxHalfOpen: 50, peers: 0, halfOpen: 0 }
  readonly stage: MetadataStage
  readonly #outgoing: Remote[] = []

  constructor(metadata = new Uint8Array(0), dht: DhtLink | null = null) {
    const connect: Network['connect'] = (remote, _options, handler) => {
      const connection = new FakeConnection(remote)
      this.#outgoing.push(new Remote(connection, handler))
      return connection
    }
    this.stage = new MetadataStage(
      {
        infohash: INFOHASH,
        peerId: new Uint8Array(20).fill(2),
        maxBytes: 64 << 20,
        verify: (bytes) => equalBytes(bytes, metadata),
        network: { connect } as Network,
        budget: this.budget,
        memory: new MetadataMemory(),
        listenPort: 6881,
        localIp: undefined,
        usesPex: true,
        dht,
        now: () => this.now,
      },
      {
        onMetadata: (bytes) => (this.found = bytes),
        onPeerDropped: (_address, error) => this.dropped.push(error.code),
        onFault: (error) => {
          throw error
        },
        isOwnPeerId: () => false,
      },
    )
  }

  /** Somebody connects to us. Null: refused. */
  comes(ip = '1.2.3.4'): Remote | null {
    const connection = new FakeConnection(ipAddress(ip, 50_000))
    const handler = this.stage.accept(connection)
    return handler && new Remote(connection, handler)
  }

  /** The `i`th that we have dialled. */
  answers(i: number): Remote {
    const remote = this.#outgoing[i]
    remote.handler.onOpen()
    return remote
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now = Math.min(end, this.now + 500)
      this.stage.tick(this.now)
    }
  }
}

test('a silent peer has as long for its handshake as it is told, whoever has dialled', () => {
  const world = new World()
  world.stage.addAddress(ipAddress('1.2.3.5', 5), 'tracker')
  world.comes()
  world.pass(9000)
  world.answers(0)
  world.pass(6000)
  expect(world.dropped).toEqual([])
  world.pass(500)
  expect(world.dropped).toEqual(['handshake_timeout'])
  world.pass(8500)
  expect(world.dropped).toHaveLength(1)
  world.pass(500)
  expect(world.dropped).toHaveLength(2)
})

test('whoever claims the metadata and does not send it makes way for one who comes, when nobody else can', () => {
  const world = new World()
  const silent = Array.from({ length: 60 }, (_, i) => world.comes(`1.2.3.${i}`)!.greets(i + 1, 20_000))
  expect(world.comes()).toBeNull()
  world.pass(100_000)
  expect(world.stage.offering).toBeLessThan(60)
  expect(world.comes()).not.toBeNull()
  expect(silent.filter(({ connection }) => connection.isClosed)).toHaveLength(1)
})

test('peers in the middle of a message are handed over with what has come of it', () => {
  const metadata = new Uint8Array(100)
  const world = new World(metadata)
  const slow = world.comes('1.2.3.1')!.greets(1, 100)
  const seed = world.comes('1.2.3.2')!.greets(2, 100)
  const part = new WireEncoder()
  part.extended(OUR_METADATA_ID, encodeMetadataPart(metadata, 0))
  const bytes = part.take()
  slow.sends(bytes.subarray(0, 50))
  seed.sendsPart(metadata, 0)
  const logs = new Map<string, WireLog>()
  const takeOver: Swarm['takeOver'] = ({ address, said }) => {
    const log = new WireLog()
    const decoder = new WireDecoder(log, 1 << 20)
    logs.set(address.ip, log)
    decoder.push(said)
    return { onBytes: (chunk: Uint8Array) => decoder.push(chunk) } as ConnectionHandler
  }
  world.stage.handOver({ takeOver, learnFrom: () => {} } as unknown as Swarm, false)
  slow.sends(bytes.subarray(50))
  expect([slow.connection.isClosed, seed.connection.isClosed]).toEqual([false, false])
  expect(logs.get('1.2.3.1')!.lines.at(-1)).toMatch(`extended ${OUR_METADATA_ID}`)
})

test('whom a peer tells of is heard for as long as the metadata is awaited, and not told once more to the swarm', () => {
  const world = new World()
  const teller = world.comes()!.greets(1, null)
  for (let minute = 0; minute < 60; minute++) {
    const other = { address: ipAddress('2.0.0.1', 1000 + minute), flags: NO_FLAGS }
    teller.says((encoder) => encoder.extended(OUR_PEX_ID, encodePex({ added: [other], dropped: [] })))
    world.now += 60_000
  }
  expect(world.stage.book.census().known).toBe(60)
  const log = new WireLog()
  const takeOver: Swarm['takeOver'] = ({ said }) => {
    new WireDecoder(log, 1 << 20).push(said)
    return null
  }
  world.stage.handOver({ takeOver, learnFrom: () => {} } as unknown as Swarm, false)
  expect(log.lines.filter((line) => line.startsWith('extended'))).toHaveLength(1)
})

test('a torrent that turns out to be private hears of nobody, and names no node, from then on', () => {
  const nodes: Address[] = []
  const world = new World(undefined, { portFor: () => 6881, addNode: (node) => nodes.push(node) })
  const teller = world.comes()!.greets(1, null)
  world.stage.becomePrivate()
  const other = { address: ipAddress('2.0.0.1', 1000), flags: NO_FLAGS }
  teller.says((encoder) => {
    encoder.port(5)
    encoder.extended(OUR_PEX_ID, encodePex({ added: [other], dropped: [] }))
  })
  expect([nodes, world.stage.book.census().known]).toEqual([[], 0])
})

test('who has lied is not met by the swarm either', () => {
  const metadata = new Uint8Array(100)
  const world = new World(metadata)
  world.stage.addAddress(ipAddress('1.2.3.4', 5), 'tracker')
  world.stage.tick(0)
  const liar = world.answers(0).greets(1, 50)
  world.comes()!.greets(2, 100).sendsPart(metadata, 0)
  expect([world.dropped, liar.connection.isClosed]).toEqual([['metadata_size'], true])
  const book = new PeerBook()
  book.adoptBans(world.stage.book)
  book.add(ipAddress('1.2.3.4', 5), 'tracker')
  expect(book.next(0)).toBeNull()
})

describe('a peer that sends metadata', () => {
  const metadata = Uint8Array.from({ length: 1200 * METADATA_PART_BYTES }, (_, i) => i >> 8)

  test('may do so as fast as it can, for it was asked', () => {
    const world = new World(metadata)
    const seed = world.comes()!.greets(1, metadata.length)
    for (let part = 0; part < 1200; part++) seed.sendsPart(metadata, part)
    expect([world.dropped, world.found?.length]).toEqual([[], metadata.length])
  })

  test('is closed when it sends what nobody asks for without measure', () => {
    const world = new World(metadata)
    const remote = world.comes()!.greets(1, metadata.length)
    for (let i = 0; i < 1000; i++) remote.sendsPart(metadata, 1000)
    expect([world.dropped, remote.connection.isClosed]).toEqual([['extension_flood'], true])
  })
})
