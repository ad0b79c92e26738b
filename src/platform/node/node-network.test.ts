import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ipAddress } from '../../base/address.ts'
import { decodeUtf8 } from '../../base/bytes.ts'
import type { ConnectionHandler } from '../platform.ts'
import { createNodeNetwork } from './node-network.ts'

/** Tells whoever asks from which address. */
async function mirror(): Promise<string> {
  const server = createServer((request, response) => {
    response.end(request.socket.remoteAddress)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function get(bind: string | undefined, url: string): Promise<string> {
  const { body } = await createNodeNetwork({ bind }).httpGet({ url, timeoutMs: 10_000, maxBytes: 100 })
  return decodeUtf8(body)
}

test('what is asked leaves from the address', async () => {
  const url = await mirror()
  expect(await get('127.0.0.77', url)).toBe('127.0.0.77')
  expect(await get('127.0.0.77', url.replace('127.0.0.1', 'localhost'))).toBe('127.0.0.77')
  expect(await get(undefined, url)).toBe('127.0.0.1')
})

test('a connection comes from it, and is accepted at it', async () => {
  const network = createNodeNetwork({ bind: '127.0.0.77' })
  const remote = await new Promise<string>((resolve, reject) => {
    const quiet = { onOpen() {}, onBytes() {}, onDrain() {}, onEnd() {} }
    const dialling: ConnectionHandler = { ...quiet, onClose: (error) => error && reject(error) }
    const listening = network.listen({ ip: '0.0.0.0', port: 0 }, (connection) => {
      resolve(connection.remote.ip)
      return null
    })
    listening.then((listener) => {
      onTestFinished(() => listener.close())
      network.connect(ipAddress(listener.ip, listener.port), {}, dialling)
    }, reject)
  })
  expect(remote).toBe('127.0.0.77')
})

test('a datagram comes from it', async () => {
  const network = createNodeNetwork({ bind: '127.0.0.77' })
  const from = await new Promise<string>((resolve, reject) => {
    const open = (onMessage: (from: string) => void): ReturnType<typeof network.openUdp> =>
      network.openUdp({ ip: '0.0.0.0', port: 0 }, (_datagram, { ip }) => onMessage(ip))
    Promise.all([open(resolve), open(() => {})]).then(([to, by]) => {
      onTestFinished(() => [to, by].forEach((socket) => socket.close()))
      by.send(Uint8Array.of(1), ipAddress(to.ip, to.port))
    }, reject)
  })
  expect(from).toBe('127.0.0.77')
})

test('names that the machine knows by itself, and addresses, need no name server', async () => {
  const network = createNodeNetwork({ bind: '127.0.0.1' })
  expect(await network.lookup('localhost', 'any')).toEqual(['127.0.0.1'])
  expect(await network.lookup('8.8.8.8', 4)).toEqual(['8.8.8.8'])
  await expect(network.lookup('localhost', 6)).rejects.toMatchObject({ code: 'no_address' })
})

test('all addresses of a family are no address to bind to', () => {
  for (const bind of [undefined, '0.0.0.0', '::']) expect(createNodeNetwork({ bind }).binding).toBeUndefined()
  expect(createNodeNetwork({ bind: '127.0.0.1' }).binding).toMatchObject({ name: '127.0.0.1', ips: ['127.0.0.1'] })
  expect(() => createNodeNetwork({ bind: 'no such' })).toThrow('Cannot bind to interface no such')
  expect(() => createNodeNetwork({ bind: '192.0.2.1' })).toThrow('this machine has no such address')
})
