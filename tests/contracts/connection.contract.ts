// What every transport promises (`Connection` in src/platform/platform.ts), tested through nothing but `listen` and `connect`.
// Each promise is kept by both sides of a connection: by the one that dialled and by the one that was accepted.
import { describe, expect, onTestFinished, test } from 'vitest'
import { ipAddress } from '../../src/base/address.ts'
import { sha1 } from '../../src/base/digest.ts'
import { NetworkError } from '../../src/base/errors.ts'
import type { Connection, ConnectionHandler, Network, TcpListener } from '../../src/platform/platform.ts'

export interface ConnectionWorld {
  readonly network: Pick<Network, 'listen' | 'connect'>
  /** Where to listen and dial. */
  readonly ip: string
  /** Where connections come from, when that is another IP. */
  readonly diallerIp?: string
}

type Side = 'outgoing' | 'incoming'
type Event = 'open' | 'bytes' | 'drain' | 'end' | 'close'

/** Records what it is told, does what the test wants on an event, and lets tests wait for a state. */
class Recorder implements ConnectionHandler {
  readonly events: Event[] = []
  readonly chunks: Uint8Array[] = []
  /** Bytes of all chunks. */
  received = 0
  error: Error | null = null
  on: Partial<Record<Event, () => void>> = {}
  #waiting: { readonly condition: () => boolean; readonly resolve: () => void }[] = []

  onOpen(): void {
    this.#record('open')
  }
  onBytes(chunk: Uint8Array): void {
    // A copy: the chunk is valid during this call only.
    this.chunks.push(Uint8Array.from(chunk))
    this.received += chunk.length
    this.#record('bytes')
  }
  onDrain(): void {
    this.#record('drain')
  }
  onEnd(): void {
    this.#record('end')
  }
  onClose(error: Error | null): void {
    this.error = error
    this.#record('close')
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.received)
    let at = 0
    for (const chunk of this.chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  count(event: Event): number {
    return this.events.filter((each) => each === event).length
  }

  /** Resolves at the first event after which the condition holds, or now when it does. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }))
  }

  has(event: Event): Promise<void> {
    return this.until(() => this.events.includes(event))
  }

  #record(event: Event): void {
    this.events.push(event)
    try {
      this.on[event]?.()
    } finally {
      this.#waiting = this.#waiting.filter(({ condition, resolve }) => {
        const holds = condition()
        if (holds) resolve()
        return !holds
      })
    }
  }
}

interface End {
  readonly connection: Connection
  readonly told: Recorder
}

interface Pair {
  readonly subject: End
  readonly partner: End
  readonly listener: TcpListener
}

/** Bytes that show where they belong. */
function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + seed) & 0xff
  return bytes
}

async function listen(
  { network, ip }: ConnectionWorld,
  onConnection: (connection: Connection) => ConnectionHandler | null,
): Promise<TcpListener> {
  const listener = await network.listen({ ip, port: 0 }, onConnection)
  onTestFinished(() => listener.close())
  return listener
}

function dial({ network, ip }: ConnectionWorld, port: number, told = new Recorder()): End {
  const connection = network.connect(ipAddress(ip, port), {}, told)
  onTestFinished(() => connection.close())
  return { connection, told }
}

async function connect(world: ConnectionWorld, side: Side): Promise<Pair> {
  let accepted: (end: End) => void
  const acceptance = new Promise<End>((resolve) => (accepted = resolve))
  const listener = await listen(world, (connection) => {
    const told = new Recorder()
    onTestFinished(() => connection.close())
    accepted({ connection, told })
    return told
  })
  const outgoing = dial(world, listener.port)
  const incoming = await acceptance
  await outgoing.told.has('open')
  return side === 'outgoing'
    ? { subject: outgoing, partner: incoming, listener }
    : { subject: incoming, partner: outgoing, listener }
}

/** A message goes there and one comes back: whatever was on the way before has arrived. */
async function pingPong({ subject, partner }: Pair): Promise<void> {
  const atPartner = partner.told.received + 1
  subject.connection.write(Uint8Array.of(1))
  await partner.told.until(() => partner.told.received >= atPartner)
  const atSubject = subject.told.received + 1
  partner.connection.write(Uint8Array.of(2))
  await subject.told.until(() => subject.told.received >= atSubject)
}

export function connectionContract(name: string, makeWorld: () => ConnectionWorld | Promise<ConnectionWorld>): void {
  describe(`${name} keeps the connection contract`, () => {
    describe.each<Side>(['outgoing', 'incoming'])('on an %s connection', (side) => {
      const pair = async (): Promise<Pair> => connect(await makeWorld(), side)

      test('bytes arrive complete and in order, however they were cut', async () => {
        const { subject, partner } = await pair()
        const content = pattern(3_000_000)
        for (let at = 0, size = 1; at < content.length; at += size, size = (size * 7 + 3) % 90_001) {
          subject.connection.write(content.subarray(at, at + size))
        }
        await partner.told.until(() => partner.told.received >= content.length)
        expect(sha1(partner.told.bytes())).toEqual(sha1(content))
      })

      test('bytes of connections that receive at the same time do not mix', async () => {
        const world = await makeWorld()
        const pairs = await Promise.all([1, 2, 3, 4].map(() => connect(world, side)))
        for (let round = 0; round < 20; round++) {
          for (const [i, { subject }] of pairs.entries()) subject.connection.write(new Uint8Array(70_000).fill(i))
        }
        for (const [i, { partner }] of pairs.entries()) {
          await partner.told.until(() => partner.told.received >= 20 * 70_000)
          expect(partner.told.bytes().every((byte) => byte === i)).toBe(true)
        }
      })

      test('takes all it is given at once, queues it, and reports when it has drained', async () => {
        const { subject, partner } = await pair()
        const chunk = new Uint8Array(1 << 20)
        for (let i = 0; i < 64; i++) subject.connection.write(chunk)
        expect(subject.connection.queuedBytes).toBeGreaterThan(0)
        expect(subject.connection.queuedBytes + subject.connection.bytesSent).toBe(64 << 20)
        let queuedAtDrain = -1
        subject.told.on.drain = () => (queuedAtDrain = subject.connection.queuedBytes)
        await subject.told.has('drain')
        expect(queuedAtDrain).toBe(0)
        expect(subject.connection.bytesSent).toBe(64 << 20)
        await partner.told.until(() => partner.told.received === 64 << 20)
        expect(subject.told.count('drain')).toBe(1)
      })

      test('reports each write as taken, in order and never inside write', async () => {
        const { subject } = await pair()
        const taken: number[] = []
        let writing = false
        subject.told.on.drain = () => expect(writing).toBe(false)
        for (let i = 0; i < 50; i++) {
          writing = true
          subject.connection.write(new Uint8Array(i % 5 === 0 ? 500_000 : 10), () => {
            expect(writing).toBe(false)
            taken.push(i)
          })
          writing = false
        }
        await subject.told.has('drain')
        expect(taken).toEqual(Array.from({ length: 50 }, (_, i) => i))
        expect(subject.told.error).toBeNull()
      })

      test('holds back what is written between cork and the last uncork', async () => {
        const world = await makeWorld()
        const corked = await connect(world, side)
        const { subject, partner } = corked
        subject.connection.cork()
        subject.connection.write(pattern(10))
        subject.connection.cork()
        subject.connection.write(pattern(10, 2))
        subject.connection.uncork()
        expect(subject.connection.queuedBytes).toBe(20)
        await pingPong(await connect(world, side))
        expect(partner.told.received).toBe(0)
        subject.connection.uncork()
        await partner.told.until(() => partner.told.received === 20)
        expect(partner.told.bytes()).toEqual(Uint8Array.of(...pattern(10), ...pattern(10, 2)))
      })

      test('counts bytes of both directions exactly', async () => {
        const { subject, partner } = await pair()
        subject.connection.write(new Uint8Array(1_234_567))
        partner.connection.write(new Uint8Array(7_654_321))
        await partner.told.until(() => partner.told.received === 1_234_567)
        await subject.told.until(() => subject.told.received === 7_654_321)
        await subject.told.has('drain')
        await partner.told.has('drain')
        for (const [end, sent, received] of [
          [subject.connection, 1_234_567, 7_654_321],
          [partner.connection, 7_654_321, 1_234_567],
        ] as const) {
          expect([end.bytesSent, end.bytesReceived, end.queuedBytes]).toEqual([sent, received, 0])
        }
      })

      test('knows both ends by their canonical addresses', async () => {
        const world = await makeWorld()
        const { subject, partner } = await connect(world, side)
        const { ip, diallerIp = ip } = world
        const [own, other] = side === 'outgoing' ? [diallerIp, ip] : [ip, diallerIp]
        expect(subject.connection.localIp).toBe(own)
        expect(subject.connection.remote.ip).toBe(other)
        expect(partner.connection.localIp).toBe(other)
      })

      test('end sends what is queued and still receives', async () => {
        const { subject, partner } = await pair()
        const content = pattern(5_000_000)
        subject.connection.write(content)
        subject.connection.end()
        await partner.told.has('end')
        expect(sha1(partner.told.bytes())).toEqual(sha1(content))
        partner.connection.write(pattern(100_000, 9))
        await subject.told.until(() => subject.told.received === 100_000)
        expect(subject.told.events).not.toContain('close')
        partner.connection.end()
        await Promise.all([subject.told.has('close'), partner.told.has('close')])
        expect([subject.told.error, partner.told.error]).toEqual([null, null])
      })

      test('ignores writes after end', async () => {
        const { subject, partner } = await pair()
        subject.connection.write(pattern(10))
        subject.connection.end()
        subject.connection.write(pattern(10), () => expect.unreachable())
        await partner.told.has('end')
        expect(partner.told.received).toBe(10)
        expect(subject.connection.bytesSent).toBe(10)
        subject.connection.end()
        partner.connection.end()
        await subject.told.has('close')
        expect(subject.told.error).toBeNull()
      })

      test('close is followed by onClose alone, once and later', async () => {
        const { subject, partner } = await pair()
        partner.told.on.end = () => partner.connection.end()
        partner.connection.write(new Uint8Array(3_000_000))
        subject.connection.write(new Uint8Array(30_000_000), () => expect.unreachable())
        subject.told.events.length = 0
        subject.connection.close()
        subject.connection.close()
        expect(subject.told.events).toEqual([])
        expect(subject.connection.queuedBytes).toBe(0)
        await subject.told.has('close')
        await partner.told.has('close')
        expect(subject.told.events).toEqual(['close'])
        expect(subject.told.error).toBeNull()
      })

      test('ignores writes after close', async () => {
        const { subject } = await pair()
        subject.connection.close()
        const sent = subject.connection.bytesSent
        subject.connection.cork()
        subject.connection.write(pattern(10), () => expect.unreachable())
        subject.connection.uncork()
        subject.connection.end()
        await subject.told.has('close')
        expect([subject.connection.bytesSent, subject.connection.queuedBytes]).toEqual([sent, 0])
      })

      test('the other side learns of an orderly close and closes without an error', async () => {
        const { subject, partner } = await pair()
        partner.told.on.end = () => partner.connection.end()
        subject.connection.close()
        await partner.told.has('close')
        expect(partner.told.events).toContain('end')
        expect(partner.told.error).toBeNull()
      })

      test('closing inside onBytes ends the bytes there', async () => {
        const { subject, partner } = await pair()
        subject.told.on.bytes = () => subject.connection.close()
        partner.connection.write(new Uint8Array(20_000_000))
        await subject.told.has('close')
        expect(subject.told.events.filter((event) => event === 'bytes' || event === 'close')).toEqual([
          'bytes',
          'close',
        ])
        expect(subject.told.error).toBeNull()
      })

      test('a reset is an error, told once', async () => {
        const { subject, partner } = await pair()
        // Closing with bytes still unread resets.
        partner.told.on.bytes = () => partner.connection.close()
        subject.connection.write(new Uint8Array(20_000_000))
        await subject.told.has('close')
        expect(subject.told.error).toBeInstanceOf(NetworkError)
        expect(subject.told.count('close')).toBe(1)
        expect(subject.connection.queuedBytes).toBe(0)
        expect(subject.connection.bytesSent).toBeLessThanOrEqual(20_000_000)
      })

      test('both sides may close at once', async () => {
        const { subject, partner } = await pair()
        subject.connection.close()
        partner.connection.close()
        await Promise.all([subject.told.has('close'), partner.told.has('close')])
        for (const { told } of [subject, partner]) {
          expect(told.count('close')).toBe(1)
          expect(told.error).toBeNull()
        }
      })

      test('a connection survives its listener', async () => {
        const pairOfEnds = await pair()
        await pairOfEnds.listener.close()
        await pingPong(pairOfEnds)
        expect(pairOfEnds.subject.told.events).not.toContain('close')
      })

      test.each(['bytes', 'drain', 'end'] as const)(
        'a handler that throws in %s loses its connection only',
        async (event) => {
          const world = await makeWorld()
          const { subject, partner } = await connect(world, side)
          const bystanders = await connect(world, side)
          const bug = new Error('bug')
          subject.told.on[event] = () => {
            throw bug
          }
          if (event === 'bytes') partner.connection.write(pattern(10))
          if (event === 'drain') subject.connection.write(pattern(10))
          if (event === 'end') partner.connection.end()
          await subject.told.has('close')
          expect(subject.told.error).toBe(bug)
          expect(subject.told.count(event)).toBe(1)
          await pingPong(bystanders)
        },
      )

      test('a callback of write that throws loses its connection only', async () => {
        const { subject } = await pair()
        const bug = new Error('bug')
        subject.connection.write(pattern(10), () => {
          throw bug
        })
        await subject.told.has('close')
        expect(subject.told.error).toBe(bug)
        expect(subject.told.events).not.toContain('drain')
      })
    })

    test('what is written before the connection is open is sent then', async () => {
      const world = await makeWorld()
      const incoming = new Recorder()
      const listener = await listen(world, () => incoming)
      const { connection, told } = dial(world, listener.port)
      connection.write(pattern(1000))
      expect(connection.queuedBytes).toBe(1000)
      await incoming.until(() => incoming.received === 1000)
      await told.has('drain')
      expect(told.events).toEqual(['open', 'drain'])
    })

    test('a port where nobody listens is an error, told later and without onOpen', async () => {
      const world = await makeWorld()
      const listener = await world.network.listen({ ip: world.ip, port: 0 }, () => null)
      await listener.close()
      const { told } = dial(world, listener.port)
      expect(told.events).toEqual([])
      await told.has('close')
      expect(told.events).toEqual(['close'])
      expect(told.error).toMatchObject({ name: 'NetworkError', code: 'econnrefused' })
    })

    test('a connection closed before it opens never opens', async () => {
      const world = await makeWorld()
      const listener = await listen(world, () => new Recorder())
      const { connection, told } = dial(world, listener.port)
      connection.close()
      await told.has('close')
      expect(told.events).toEqual(['close'])
      expect(told.error).toBeNull()
    })

    test('a handler that throws in onOpen loses its connection only', async () => {
      const world = await makeWorld()
      const listener = await listen(world, () => new Recorder())
      const told = new Recorder()
      const bug = new Error('bug')
      told.on.open = () => {
        throw bug
      }
      dial(world, listener.port, told)
      await told.has('close')
      expect(told.error).toBe(bug)
    })

    test.each([
      ['refuses', () => null],
      [
        'throws',
        (): null => {
          throw new Error('bug')
        },
      ],
    ])('whoever %s an incoming connection closes it, and the listener goes on', async (_, refuse) => {
      const world = await makeWorld()
      let accept: (connection: Connection) => ConnectionHandler | null = refuse
      const listener = await listen(world, (connection) => accept(connection))
      const refused = dial(world, listener.port)
      refused.told.on.end = () => refused.connection.end()
      await refused.told.has('close')
      expect(refused.told.received).toBe(0)
      accept = (connection) => {
        connection.write(pattern(5))
        return new Recorder()
      }
      const welcome = dial(world, listener.port)
      await welcome.told.until(() => welcome.told.received === 5)
    })

    test('an incoming connection may be closed before its handler is returned', async () => {
      const world = await makeWorld()
      const incoming = new Recorder()
      const listener = await listen(world, (connection) => {
        connection.close()
        return incoming
      })
      dial(world, listener.port)
      await incoming.has('close')
      expect(incoming.events).toEqual(['close'])
    })

    test('a closed listener takes nobody, and its port is free', async () => {
      const world = await makeWorld()
      const first = await world.network.listen({ ip: world.ip, port: 0 }, () => new Recorder())
      await first.close()
      await first.close()
      const again = await world.network.listen({ ip: world.ip, port: first.port }, () => null)
      expect(again.port).toBe(first.port)
      await again.close()
    })

    test('a port that is taken is an error', async () => {
      const world = await makeWorld()
      const { port } = await listen(world, () => null)
      await expect(world.network.listen({ ip: world.ip, port }, () => null)).rejects.toMatchObject({
        name: 'NetworkError',
        code: 'address_in_use',
      })
    })
  })
}
