import { describe, expect, test } from 'vitest'
import { FakeConnection } from '../../../tests/support/fake-connection.ts'
import { ipAddress } from '../../base/address.ts'
import { concatBytes, encodeUtf8, toHex } from '../../base/bytes.ts'
import type { ConnectionHandler } from '../../platform/platform.ts'
import { encodeHandshake } from '../../protocol/wire/index.ts'
import { Greeting } from './greeting.ts'

const OURS = new Uint8Array(20).fill(1)
const handshake = (infohash = OURS): Uint8Array =>
  encodeHandshake(infohash, new Uint8Array(20).fill(9), { extensions: true, fast: true })

/** A connection that has come in, for a session that has one torrent. */
function world() {
  const connection = new FakeConnection(ipAddress('1.2.3.4', 50_000))
  const events: string[] = []
  let isReady = false
  const received: Uint8Array[] = []
  const peer: ConnectionHandler = {
    onOpen: () => events.push('open'),
    onBytes: (chunk) => received.push(chunk.slice()),
    onDrain: () => events.push('drain'),
    onEnd: () => events.push('end'),
    onClose: () => events.push('close'),
  }
  const greeting = new Greeting(
    connection,
    {
      onGreeting: (infohash) => {
        events.push(`asks for ${toHex(infohash).slice(0, 4)}`)
        if (infohash[0] === 3 && !isReady) return 'later'
        return infohash[0] === 2 ? null : peer
      },
      onGreeted: () => events.push('greeted'),
    },
    0,
  )
  return {
    connection,
    events,
    greeting,
    received: () => concatBytes(received),
    becomeReady: () => {
      isReady = true
      greeting.askAgain()
    },
  }
}

describe('a plain handshake', () => {
  test('leads to the torrent that it names, with every byte from the first on', () => {
    const { events, greeting, received } = world()
    const stream = concatBytes([handshake(), encodeUtf8('and more')])
    greeting.onBytes(stream)
    expect(events).toEqual(['asks for 0101', 'greeted'])
    expect(received()).toEqual(stream)
  })

  test('may come byte by byte: the infohash is enough, the peer id may take its time', () => {
    const { events, greeting, received } = world()
    const stream = handshake()
    for (const byte of stream.subarray(0, 47)) greeting.onBytes(Uint8Array.of(byte))
    expect(events).toEqual([])
    for (const byte of stream.subarray(47)) greeting.onBytes(Uint8Array.of(byte))
    expect([events, received()]).toEqual([['asks for 0101', 'greeted'], stream])
  })

  test('for a torrent that we do not have ends the connection', () => {
    const { connection, events, greeting, received } = world()
    greeting.onBytes(handshake(new Uint8Array(20).fill(2)))
    expect([connection.isClosed, events, received().length]).toEqual([true, ['asks for 0202', 'greeted'], 0])
  })

  test('leaves the stage: from then on everything goes to the peer', () => {
    const { events, greeting } = world()
    greeting.onBytes(handshake())
    greeting.onDrain()
    greeting.onEnd()
    greeting.onClose(null)
    expect(events.slice(2)).toEqual(['drain', 'end', 'close'])
  })
})

describe('a torrent that is not ready', () => {
  const stream = concatBytes([handshake(new Uint8Array(20).fill(3)), encodeUtf8('and more')])

  test('has its peers wait, and hears all that they have said in the meantime', () => {
    const { becomeReady, connection, events, greeting, received } = world()
    greeting.onBytes(stream.subarray(0, 60))
    greeting.onBytes(stream.subarray(60))
    expect([connection.isClosed, events]).toEqual([false, ['asks for 0303']])
    becomeReady()
    expect([events, received()]).toEqual([['asks for 0303', 'asks for 0303', 'greeted'], stream])
  })

  test('does not keep what somebody goes on and on to say', () => {
    const { connection, events, greeting } = world()
    greeting.onBytes(stream)
    for (let i = 0; i < 4; i++) greeting.onBytes(new Uint8Array(32_768))
    expect([connection.isClosed, events]).toEqual([true, ['asks for 0303', 'greeted']])
  })

  test('is not asked again for a peer that has not said what it wants', () => {
    const { becomeReady, events, greeting } = world()
    greeting.onBytes(stream.subarray(0, 20))
    becomeReady()
    expect(events).toEqual([])
  })
})

describe('anything else', () => {
  test.each([
    ['an encrypted opening', Uint8Array.of(0x90, 0xcf, 0xb7)],
    ['a web browser', encodeUtf8('GET / HTTP/1.1\r\n')],
    ['another protocol of the same length', concatBytes([Uint8Array.of(19), encodeUtf8('BitTorrent protocoL')])],
  ])('is closed at once: %s', (_, bytes) => {
    const { connection, events, greeting } = world()
    greeting.onBytes(bytes)
    expect([connection.isClosed, events]).toEqual([true, ['greeted']])
  })

  test('an end before the infohash is the end', () => {
    const { connection, events, greeting } = world()
    greeting.onBytes(handshake().subarray(0, 30))
    greeting.onEnd()
    expect([connection.isClosed, events]).toEqual([true, ['greeted']])
  })

  test('a connection that breaks is forgotten', () => {
    const { events, greeting } = world()
    greeting.onClose(new Error('reset'))
    expect(events).toEqual(['greeted'])
  })
})
