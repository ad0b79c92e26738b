import { expect, test } from 'vitest'
import { addressKey, ipAddress, type Address } from '../../base/address.ts'
import { ownAddresses } from './lookup.ts'
import { openUdp } from './udp.ts'

interface Received {
  readonly bytes: Uint8Array
  readonly from: Address
}

/** A socket, and its datagrams as promises in order. */
async function inbox(ip: string) {
  const received: Received[] = []
  let wake = (): void => {}
  const socket = await openUdp({ ip, port: 0 }, (datagram, from) => {
    received.push({ bytes: Uint8Array.from(datagram), from })
    wake()
  })
  const next = async (): Promise<Received> => {
    while (received.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return received.shift()!
  }
  return { socket, next, address: ipAddress(socket.ip, socket.port) }
}

test.each(ownAddresses().includes('::1') ? ['127.0.0.1', '::1'] : ['127.0.0.1'])(
  'a datagram arrives with its sender, over %s',
  async (ip) => {
    const [a, b] = [await inbox(ip), await inbox(ip)]
    const datagram = Uint8Array.of(1, 2, 3)
    a.socket.send(datagram, b.address)
    datagram.fill(9)
    const { bytes, from } = await b.next()
    expect([...bytes]).toEqual([1, 2, 3])
    expect(addressKey(from)).toBe(addressKey(a.address))
    a.socket.close()
    b.socket.close()
  },
)

test('a taken port is address_in_use, a foreign address is address_not_available', async () => {
  const { socket } = await inbox('127.0.0.1')
  await expect(openUdp({ ip: '127.0.0.1', port: socket.port }, () => {})).rejects.toMatchObject({
    name: 'NetworkError',
    code: 'address_in_use',
  })
  await expect(openUdp({ ip: '192.0.2.1', port: 0 }, () => {})).rejects.toMatchObject({ code: 'address_not_available' })
  socket.close()
})

test('what cannot be sent is dropped: the other family, an over-long datagram, a closed socket', async () => {
  const [a, b] = [await inbox('127.0.0.1'), await inbox('127.0.0.1')]
  a.socket.send(Uint8Array.of(1), ipAddress('::1', 9))
  a.socket.send(new Uint8Array(70_000), b.address)
  a.socket.send(Uint8Array.of(7), b.address)
  expect([...(await b.next()).bytes]).toEqual([7])
  a.socket.close()
  a.socket.close()
  a.socket.send(Uint8Array.of(8), b.address)
  b.socket.close()
})

test('a throwing handler costs that datagram only', async () => {
  const sender = await inbox('127.0.0.1')
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  const socket = await openUdp({ ip: '127.0.0.1', port: 0 }, (datagram, from) => {
    if (datagram[0] === 0) throw new Error('a bug in a handler')
    socket.send(datagram, from)
  })
  const target = ipAddress(socket.ip, socket.port)
  sender.socket.send(Uint8Array.of(0), target)
  sender.socket.send(Uint8Array.of(5), target)
  expect([...(await sender.next()).bytes]).toEqual([5])
  expect((await warned).message).toBe('a bug in a handler')
  socket.close()
  sender.socket.close()
})
