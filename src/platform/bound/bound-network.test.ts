import { expect, test } from 'vitest'
import { FakeClock, settled } from '../../../tests/support/fake-clock.ts'
import { FakeConnection } from '../../../tests/support/fake-connection.ts'
import { ipAddress } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, ListenOptions, Network } from '../platform.ts'
import { BoundNetwork } from './bound-network.ts'
import type { LocalAddress } from './sources.ts'

const PEER = ipAddress('8.8.8.8', 6881)
const SECOND = 1000

/** A machine whose interface `wg0` comes and goes; what reaches the real network is written down. */
class Machine {
  readonly clock = new FakeClock()
  readonly done: string[] = []
  readonly dialled: { readonly connection: FakeConnection; readonly handler: ConnectionHandler }[] = []
  readonly network: BoundNetwork
  addresses: LocalAddress[] = [{ ip: '192.168.1.2', interface: 'eth0' }]
  taken = new Set<string>()
  /** No file descriptor is free. */
  isShort = false
  onConnection: (connection: Connection) => ConnectionHandler | null = () => null

  constructor(bind = 'wg0', ips: readonly string[] = ['10.9.0.2', 'fd00::2']) {
    this.has(...ips)
    this.network = new BoundNetwork({
      network: this.#real(),
      clock: this.clock,
      bind,
      localAddresses: () => {
        if (this.isShort) throw new Error('uv_interface_addresses returned EMFILE')
        return this.addresses
      },
      lookup: async (host, families, sources, signal) => {
        this.done.push(`lookup ${host} ${families.join('+')} from ${sources[4]?.ip ?? '-'} ${sources[6]?.ip ?? '-'}`)
        if (host === 'silent.example') {
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new NetworkError('name_not_found', 'cancelled')))
          })
        }
        return ['8.8.4.4']
      },
    })
  }

  /** From now on `wg0` has these. */
  has(...ips: readonly string[]): void {
    const others = this.addresses.filter((address) => address.interface !== 'wg0')
    this.addresses = [...others, ...ips.map((ip) => ({ ip, interface: 'wg0' }))]
  }

  /** All that was done since the last call. */
  since(): string[] {
    return this.done.splice(0)
  }

  #real(): Network {
    let ports = 50_000
    const open = (kind: string, { ip, port, group, interfaceIp }: ListenOptions): { ip: string; port: number } => {
      const of = group === undefined ? '' : ` in ${group}`
      const by = interfaceIp === undefined ? '' : ` by ${interfaceIp}`
      if (this.taken.has(`${ip} ${port}`)) throw new NetworkError('address_in_use', 'taken')
      const bound = port === 0 ? ports++ : port
      this.done.push(`${kind} ${ip} ${bound}${of}${by}`)
      return { ip, port: bound }
    }
    return {
      listen: async (options, onConnection) => {
        this.onConnection = onConnection
        const { ip, port } = open('listen', options)
        return { ip, port, close: async () => void this.done.push(`unlisten ${ip} ${port}`) }
      },
      connect: (remote, { localIp, tlsServer = '' }, handler) => {
        this.done.push(`connect ${remote.ip} from ${localIp}${tlsServer && `, which is ${tlsServer}`}`)
        const connection = new FakeConnection(remote)
        this.dialled.push({ connection, handler })
        return connection
      },
      openUdp: async (options) => {
        const { ip, port } = open('udp', options)
        return {
          ip,
          port,
          send: (_, to) => this.done.push(`send from ${ip} to ${to.ip}`),
          close: () => this.done.push(`close ${ip} ${port}`),
        }
      },
      httpGet: async ({ url, remoteIp, localIp, signal }) => {
        this.done.push(`get ${url} at ${remoteIp} from ${localIp}`)
        if (url.endsWith('/silent')) {
          return new Promise((_, reject) => {
            signal!.addEventListener('abort', () => reject(new NetworkError('aborted', 'aborted')))
          })
        }
        return { status: 200, headers: {}, body: new Uint8Array() }
      },
      lookup: async (host) => [host],
      ownAddresses: () => this.addresses.map(({ ip }) => ip),
    }
  }
}

/** Remembers how its connection ended. */
class Ending implements ConnectionHandler {
  code: string | null = null
  onOpen(): void {}
  onBytes(): void {}
  onDrain(): void {}
  onEnd(): void {}
  onClose(error: Error | null): void {
    this.code = error instanceof NetworkError ? error.code : 'in order'
  }
}

test('what is to leave from any address leaves from ours', async () => {
  const { network, since } = setUp()
  await network.listen({ ip: '0.0.0.0', port: 6881 }, () => null)
  await network.listen({ ip: '::', port: 6881 }, () => null)
  const udp = await network.openUdp({ ip: '0.0.0.0', port: 0 }, () => {})
  udp.send(new Uint8Array(1), PEER)
  network.connect(PEER, {}, new Ending())
  network.connect(ipAddress('2001:db8::8', 6881), {}, new Ending())
  await network.httpGet({ url: 'http://tracker.example/', timeoutMs: 1, maxBytes: 1 })
  await network.httpGet({ url: 'http://[2001:db8::8]/', timeoutMs: 1, maxBytes: 1 })
  expect(since()).toEqual([
    'listen 10.9.0.2 6881',
    'listen fd00::2 6881',
    'udp 10.9.0.2 50000',
    'send from 10.9.0.2 to 8.8.8.8',
    'connect 8.8.8.8 from 10.9.0.2',
    'connect 2001:db8::8 from fd00::2',
    'lookup tracker.example 4+6 from 10.9.0.2 fd00::2',
    'get http://tracker.example/ at 8.8.4.4 from 10.9.0.2',
    'get http://[2001:db8::8]/ at [2001:db8::8] from fd00::2',
  ])
  expect([network.ownAddresses(), network.binding.ips]).toEqual([
    ['10.9.0.2', 'fd00::2'],
    ['10.9.0.2', 'fd00::2'],
  ])
})

test('who is dialled over TLS has to prove its name', () => {
  const { network, since } = setUp()
  network.connect(PEER, { tlsServer: 'a.example' }, new Ending())
  expect(since()).toContain('connect 8.8.8.8 from 10.9.0.2, which is a.example')
})

test('groups are heard on a socket that never sends, and spoken to from another that is ours', async () => {
  const { network, since } = setUp()
  const v4 = await network.openUdp({ ip: '0.0.0.0', port: 6771, group: '239.192.152.143' }, () => {})
  await network.openUdp({ ip: '::', port: 6771, group: 'ff15::efc0:988f', interfaceIp: 'fd00::9' }, () => {})
  v4.send(new Uint8Array(1), ipAddress('239.192.152.143', 6771))
  expect([v4.ip, v4.port]).toEqual(['10.9.0.2', 6771])
  expect(since()).toEqual([
    'udp 0.0.0.0 6771 in 239.192.152.143 by 10.9.0.2',
    'udp 10.9.0.2 50000 by 10.9.0.2',
    'udp :: 6771 in ff15::efc0:988f by ::%wg0',
    'udp fd00::2 50001 by ::%wg0',
    'send from 10.9.0.2 to 239.192.152.143',
  ])
})

test('a group of a family that comes later is joined then', async () => {
  const { network, machine, since } = setUp(['10.9.0.2'])
  const group = await network.openUdp({ ip: '::', port: 6771, group: 'ff15::efc0:988f' }, () => {})
  group.send(new Uint8Array(1), ipAddress('ff15::efc0:988f', 6771))
  expect(since()).toEqual([])
  machine.has('10.9.0.2', 'fd00::2')
  await machine.clock.pass(SECOND)
  expect(since()).toEqual(['udp :: 6771 in ff15::efc0:988f by ::%wg0', 'udp fd00::2 50000 by ::%wg0'])
})

test('nobody above can choose another address', async () => {
  const { network, machine, since } = setUp()
  const error = { code: 'address_not_available' }
  await expect(network.listen({ ip: '192.168.1.2', port: 6881 }, () => null)).rejects.toMatchObject(error)
  await expect(network.openUdp({ ip: '192.168.1.2', port: 0 }, () => {})).rejects.toMatchObject(error)
  const url = 'http://8.8.8.8/'
  await expect(
    network.httpGet({ url, remoteIp: '8.8.8.8', localIp: '192.168.1.2', timeoutMs: 1, maxBytes: 1 }),
  ).rejects.toMatchObject(error)
  const ending = new Ending()
  network.connect(PEER, { localIp: '192.168.1.2' }, ending)
  expect(ending.code).toBeNull()
  await machine.clock.pass(0)
  expect([ending.code, since()]).toEqual(['address_not_available', []])
})

test('a family that there is no address of is refused, and names are not looked up in it', async () => {
  const { network, machine, since } = setUp(['10.9.0.2'])
  const ending = new Ending()
  network.connect(ipAddress('2001:db8::8', 1), {}, ending)
  await machine.clock.pass(0)
  expect(ending.code).toBe('no_address')
  await expect(network.lookup('a.example', 6)).rejects.toMatchObject({ code: 'no_address' })
  await expect(network.listen({ ip: '::', port: 0 }, () => null)).rejects.toMatchObject({ code: 'no_address' })
  expect(await network.lookup('a.example', 'any')).toEqual(['8.8.4.4'])
  expect(since()).toEqual(['lookup a.example 4 from 10.9.0.2 -'])
})

test('what there is not cannot be bound to', () => {
  expect(() => new Machine('wg1')).toThrow(
    'Cannot bind to interface wg1: there is no such interface that has an address, but eth0, wg0',
  )
  expect(() => new Machine('10.9.0.3')).toThrow('Cannot bind to address 10.9.0.3: this machine has no such address')
})

test('when the address goes, all that was open is closed and nothing is dialled', async () => {
  const { network, machine, since } = setUp()
  await network.listen({ ip: '0.0.0.0', port: 6881 }, () => incoming)
  const udp = await network.openUdp({ ip: '0.0.0.0', port: 7000 }, () => {})
  const [outgoing, incoming] = [new Ending(), new Ending()]
  network.connect(PEER, {}, outgoing)
  const visitor = new FakeConnection(PEER)
  const greeter = machine.onConnection(visitor)!
  const asking = network.httpGet({ url: 'http://8.8.8.8/silent', timeoutMs: 1, maxBytes: 1 })
  const looking = network.lookup('silent.example', 'any')
  const failures = Promise.all([asking, looking].map((promise) => promise.catch((error: NetworkError) => error.code)))
  await settled()
  since()

  machine.has()
  await machine.clock.pass(SECOND)
  const [{ connection, handler }] = machine.dialled
  expect([connection.isClosed, visitor.isClosed]).toEqual([true, true])
  // A connection tells of its end later.
  handler.onClose(null)
  greeter.onClose(null)
  expect([outgoing.code, incoming.code]).toEqual(['address_gone', 'address_gone'])
  expect(await failures).toEqual(['address_gone', 'address_gone'])
  expect(since()).toEqual(['unlisten 10.9.0.2 6881', 'close 10.9.0.2 7000'])

  const refused = new Ending()
  network.connect(PEER, {}, refused)
  udp.send(new Uint8Array(1), PEER)
  await expect(network.lookup('a.example', 'any')).rejects.toMatchObject({
    code: 'address_gone',
    message: 'Cannot look up a.example: interface wg0 is gone',
  })
  await machine.clock.pass(10 * SECOND)
  expect([refused.code, since()]).toEqual(['address_gone', []])
})

test('when it returns, with another address, listeners and sockets are there again, on their ports', async () => {
  const { network, machine, since } = setUp(['10.9.0.2'])
  const listener = await network.listen({ ip: '0.0.0.0', port: 0 }, () => null)
  const udp = await network.openUdp({ ip: '0.0.0.0', port: 0 }, () => {})
  const told: string[] = []
  network.binding.onChange(() => told.push(network.binding.ips.join()))
  machine.has()
  await machine.clock.pass(SECOND)
  machine.has('10.9.0.7')
  await machine.clock.pass(SECOND)
  udp.send(new Uint8Array(1), PEER)
  expect(since().slice(2)).toEqual([
    'unlisten 10.9.0.2 50000',
    'close 10.9.0.2 50001',
    'listen 10.9.0.7 50000',
    'udp 10.9.0.7 50001',
    'send from 10.9.0.7 to 8.8.8.8',
  ])
  expect([listener.ip, listener.port, udp.ip, told]).toEqual(['10.9.0.7', 50_000, '10.9.0.7', ['', '10.9.0.7']])
})

test('a dial notices by itself that the address has gone', async () => {
  const { network, machine, since } = setUp()
  await machine.clock.pass(SECOND)
  machine.has()
  const ending = new Ending()
  network.connect(PEER, {}, ending)
  await machine.clock.pass(0)
  expect([ending.code, since()]).toEqual(['address_gone', []])
})

test('a listener whose port is taken when the address returns gets it as soon as it can', async () => {
  const { network, machine, since } = setUp(['10.9.0.2'])
  await network.listen({ ip: '0.0.0.0', port: 6881 }, () => null)
  machine.has()
  await machine.clock.pass(SECOND)
  machine.taken.add('10.9.0.2 6881')
  machine.has('10.9.0.2')
  await machine.clock.pass(2 * SECOND)
  expect(since()).toEqual(['listen 10.9.0.2 6881', 'unlisten 10.9.0.2 6881'])
  machine.taken.clear()
  await machine.clock.pass(SECOND)
  expect(since()).toEqual(['listen 10.9.0.2 6881'])
})

test('a family that comes later is listened on then; a port that is taken is told at once', async () => {
  const { network, machine, since } = setUp(['10.9.0.2'])
  const listener = await network.listen({ ip: '::', port: 6881 }, () => null)
  expect([listener.ip, since()]).toEqual(['', []])
  machine.has('10.9.0.2', 'fd00::2')
  await machine.clock.pass(SECOND)
  expect([listener.ip, since()]).toEqual(['fd00::2', ['listen fd00::2 6881']])
  machine.taken.add('10.9.0.2 7000')
  await expect(network.listen({ ip: '0.0.0.0', port: 7000 }, () => null)).rejects.toMatchObject({
    code: 'address_in_use',
  })
})

test('while the system is too short of something to be looked at, what was known holds', async () => {
  const { network, machine, since } = setUp(['10.9.0.2'])
  await network.listen({ ip: '0.0.0.0', port: 6881 }, () => null)
  machine.isShort = true
  machine.has()
  await machine.clock.pass(3 * SECOND)
  network.connect(PEER, {}, new Ending())
  expect(since()).toEqual(['listen 10.9.0.2 6881', 'connect 8.8.8.8 from 10.9.0.2'])
  machine.isShort = false
  await machine.clock.pass(SECOND)
  expect(since()).toEqual(['unlisten 10.9.0.2 6881'])
})

test('nothing is looked at any more when nothing is open', async () => {
  const { network, machine } = setUp()
  const listener = await network.listen({ ip: '0.0.0.0', port: 6881 }, () => null)
  const ending = new Ending()
  network.connect(PEER, {}, ending)
  await network.httpGet({ url: 'http://tracker.example/', timeoutMs: 1, maxBytes: 1 })
  expect(machine.clock.pending).toBe(1)
  await listener.close()
  machine.dialled[0].handler.onClose(null)
  await settled()
  expect([ending.code, machine.clock.pending]).toEqual(['in order', 0])
})

function setUp(ips?: readonly string[]): { machine: Machine; network: BoundNetwork; since: () => string[] } {
  const machine = new Machine('wg0', ips)
  return { machine, network: machine.network, since: () => machine.since() }
}
