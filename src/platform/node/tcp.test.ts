// What the contract of connections does not cover: what only the system's TCP has.
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ipAddress } from '../../base/address.ts'
import type { Connection, ConnectionHandler } from '../platform.ts'
import { connectTcp, listenTcp } from './tcp.ts'

const silent: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }

/** A listener that tells of its first connection and of that connection's end. */
async function listenOnce(ip = '127.0.0.1', receiving: 'shared' | 'events' = 'shared') {
  let onConnection: (connection: Connection) => void
  let onClose: (error: Error | null) => void
  const connection = new Promise<Connection>((resolve) => (onConnection = resolve))
  const closed = new Promise<Error | null>((resolve) => (onClose = resolve))
  const accept = (connection: Connection): ConnectionHandler => {
    onTestFinished(() => connection.close())
    onConnection(connection)
    return { ...silent, onClose: (error) => onClose(error) }
  }
  const listener = await listenTcp({ ip, port: 0 }, accept, receiving)
  onTestFinished(() => listener.close())
  return { listener, connection, closed }
}

test.each(['shared', 'events'] as const)("a reset by the other side is its system's error (%s)", async (receiving) => {
  const { listener, connection, closed } = await listenOnce('127.0.0.1', receiving)
  const socket = net.connect(listener.port, '127.0.0.1')
  await connection
  socket.resetAndDestroy()
  expect(await closed).toMatchObject({ name: 'NetworkError', code: 'econnreset' })
})

test('a listener on :: leaves IPv4 to another one on the same port', async () => {
  const six = await listenOnce('::')
  const four = await listenTcp({ ip: '0.0.0.0', port: six.listener.port }, () => null)
  onTestFinished(() => four.close())
  const connection = connectTcp(ipAddress('::1', six.listener.port), {}, silent)
  onTestFinished(() => connection.close())
  expect((await six.connection).remote.ip).toBe('::1')
})

test('dials from the local address that was asked for', async () => {
  const { listener, connection } = await listenOnce()
  const dialled = connectTcp(ipAddress('127.0.0.1', listener.port), { localIp: '127.0.0.1' }, silent)
  onTestFinished(() => dialled.close())
  expect((await connection).remote.ip).toBe('127.0.0.1')
})

test.each([
  ['a local address that is not ours', '127.0.0.1', 9, '192.0.2.1', undefined, 'address_not_available'],
  ['a local address that is none', '127.0.0.1', 9, 'nonsense', undefined, 'err_invalid_ip_address'],
  ['an impossible port', '127.0.0.1', 70_000, undefined, undefined, 'err_socket_bad_port'],
  ['an impossible port over TLS', '127.0.0.1', 70_000, undefined, 'a.example', 'err_socket_bad_port'],
])('%s is an error that comes later', async (_, ip, port, localIp, tlsServer, code) => {
  let returned = false
  const error = await new Promise((resolve) => {
    const onClose = (error: Error | null): void => resolve({ error, returned })
    connectTcp(ipAddress(ip, port), { localIp, tlsServer }, { ...silent, onClose })
    returned = true
  })
  expect(error).toMatchObject({ returned: true, error: { name: 'NetworkError', code } })
})

test('listening on what is no address of this machine is an error', async () => {
  await expect(listenTcp({ ip: '192.0.2.1', port: 0 }, () => null)).rejects.toMatchObject({
    code: 'address_not_available',
  })
  await expect(listenTcp({ ip: 'nonsense', port: 0 }, () => null)).rejects.toMatchObject({
    code: 'address_not_available',
  })
})

test('writes shared memory as it is', async () => {
  const { listener, connection } = await listenOnce()
  const socket = net.connect(listener.port, '127.0.0.1')
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  const shared = new Uint8Array(new SharedArrayBuffer(300_000)).fill(5)
  const accepted = await connection
  accepted.cork()
  accepted.write(shared.subarray(0, 13))
  accepted.write(shared.subarray(13))
  accepted.uncork()
  accepted.end()
  await new Promise((resolve) => socket.once('end', resolve))
  expect(Buffer.concat(received).equals(Buffer.alloc(300_000, 5))).toBe(true)
})
