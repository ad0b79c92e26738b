import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { decodeUtf8 } from '../../base/bytes.ts'
import type { HttpRequest } from '../platform.ts'
import { httpGet } from './http.ts'
import { ownAddresses } from './lookup.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

async function listening(server: Server, ip = '127.0.0.1'): Promise<string> {
  servers.push(server)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, ip, resolve))
  const { port } = server.address() as AddressInfo
  return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

const serve = (listener: RequestListener, ip?: string): Promise<string> => listening(createHttpServer(listener), ip)
/** A server that knows no HTTP: what it does with a connection is up to the test. */
const serveRaw = (onSocket: (socket: Socket) => void): Promise<string> =>
  listening(
    createTcpServer((socket) => {
      socket.once('data', () => onSocket(socket))
    }),
  )

const get = (url: string, options: Partial<HttpRequest> = {}) =>
  httpGet({ url, timeoutMs: 10_000, maxBytes: 1000, ...options })

test('gets status, headers in lower case and the body; the path and query arrive as they are', async () => {
  const url = await serve((request, response) => {
    response.writeHead(404, { 'X-Two': ['a', 'b'] }).end(`${request.url} ${request.headers.host}`)
  })
  const response = await get(`${url}/a%9c(b?x=%00&y=+#part`)
  expect(response.status).toBe(404)
  expect(response.headers['x-two']).toBe('a, b')
  expect(decodeUtf8(response.body)).toBe(`/a%9c(b?x=%00&y=+ ${new URL(url).host}`)
})

test('given headers are sent, and credentials of the URL', async () => {
  const url = await serve((request, response) => {
    response.end(`${request.headers['user-agent']} ${request.headers.authorization}`)
  })
  const response = await get(url.replace('http://', 'http://u%20ser:p%40ss@'), { headers: { 'User-Agent': 'Test/1' } })
  expect(decodeUtf8(response.body)).toBe(`Test/1 Basic ${Buffer.from('u ser:p@ss').toString('base64')}`)
})

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
] as const)('%s is decompressed', async (encoding, pack) => {
  const url = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Encoding': encoding }).end(pack('the text'))
  })
  expect(decodeUtf8((await get(url)).body)).toBe('the text')
})

test('a chunked answer is put together, and one that ends with the connection', async () => {
  const chunked = await serve((_request, response) => {
    response.write('one ')
    response.end('two')
  })
  expect(decodeUtf8((await get(chunked)).body)).toBe('one two')
  const closing = await serveRaw((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end'))
  expect(decodeUtf8((await get(closing)).body)).toBe('until the end')
})

test('a redirect is handed back, not followed', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()
  })
  expect(await get(url)).toMatchObject({ status: 302, headers: { location: 'http://127.0.0.1:1/' } })
})

test('a body of exactly the limit is taken, one byte more is response_too_large', async () => {
  const url = await serve((request, response) => {
    response.end('x'.repeat(Number(request.url!.slice(1))))
  })
  expect((await get(`${url}/1000`)).body.length).toBe(1000)
  await expect(get(`${url}/1001`)).rejects.toMatchObject({ name: 'NetworkError', code: 'response_too_large' })
})

test('a bomb of zeros is not unfolded beyond the limit', async () => {
  const bomb = gzipSync(new Uint8Array(1_000_000))
  expect(bomb.length).toBeLessThan(2000)
  const url = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb)
  })
  await expect(get(url, { maxBytes: 5000 })).rejects.toMatchObject({ code: 'response_too_large' })
  expect((await get(url, { maxBytes: 1_000_000 })).body.length).toBe(1_000_000)
})

test('an endless body is cut off', async () => {
  const url = await serve((_request, response) => {
    const more = (): void => {
      while (response.write(new Uint8Array(10_000)));
      response.once('drain', more)
    }
    more()
  })
  await expect(get(url)).rejects.toMatchObject({ code: 'response_too_large' })
})

test.each([
  ['damaged gzip', 'gzip', gzipSync('text').subarray(0, 12)],
  ['an unknown encoding', 'br', Buffer.from('text')],
])('%s is bad_encoding', async (_name, encoding, body) => {
  const url = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Encoding': encoding }).end(body)
  })
  await expect(get(url)).rejects.toMatchObject({ code: 'bad_encoding' })
})

test('a server that drips bytes for ever runs into the time limit for the whole', async () => {
  let drip: NodeJS.Timeout | undefined
  const url = await serveRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n')
    drip = setInterval(() => socket.write('x'), 10)
  })
  await expect(get(url, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'timed_out' })
  clearInterval(drip)
})

test('a server that says nothing runs into the time limit', async () => {
  const url = await serveRaw(() => {})
  await expect(get(url, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timed_out' })
})

test('a head without end is refused', async () => {
  const url = await serveRaw((socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`))
  await expect(get(url)).rejects.toMatchObject({ code: 'bad_response' })
})

test('an answer that is not HTTP is bad_response', async () => {
  const url = await serveRaw((socket) => socket.end('nonsense\r\n\r\n'))
  await expect(get(url)).rejects.toMatchObject({ code: 'bad_response' })
})

test('a reset in the middle of the body is an error, not a short body', async () => {
  const url = await serveRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\npart', () => socket.resetAndDestroy())
  })
  await expect(get(url)).rejects.toMatchObject({ code: 'econnreset' })
})

test('a refused connection carries the code of the system', async () => {
  const server = createTcpServer()
  const url = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  await expect(get(url)).rejects.toMatchObject({ code: 'econnrefused' })
})

test('the signal ends a request, also one that has not begun', async () => {
  const controller = new AbortController()
  const url = await serveRaw(() => controller.abort())
  await expect(get(url, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
  await expect(get(url, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
})

test('the local IP is honoured', async () => {
  const url = await serve((request, response) => {
    response.end(request.socket.remoteAddress)
  })
  expect(decodeUtf8((await get(url, { localIp: '127.0.0.77' })).body)).toBe('127.0.0.77')
  await expect(get(url, { localIp: '192.0.2.1' })).rejects.toMatchObject({ code: 'address_not_available' })
})

test('with a remote IP the name is not looked up, but still sent', async () => {
  const url = await serve((request, response) => {
    response.end(request.headers.host)
  })
  const { port } = new URL(url)
  const response = await get(`http://no.such.name:${port}/`, { remoteIp: '127.0.0.1' })
  expect(decodeUtf8(response.body)).toBe(`no.such.name:${port}`)
})

test.runIf(ownAddresses().includes('::1'))('IPv6 works, by URL and by remote IP', async () => {
  const url = await serve((request, response) => {
    response.end(request.socket.remoteAddress)
  }, '::1')
  expect(decodeUtf8((await get(url)).body)).toBe('::1')
  const { port } = new URL(url)
  expect(decodeUtf8((await get(`http://tracker:${port}`, { remoteIp: '::1' })).body)).toBe('::1')
})

test.each(['ftp://127.0.0.1/', 'wss://127.0.0.1/', 'no url', '', 'http://%zz@127.0.0.1/'])(
  '%j is unsupported_url',
  async (url) => {
    await expect(get(url)).rejects.toMatchObject({ code: 'unsupported_url' })
  },
)

test('what an error shows leaves out the query, which may hold a passkey', async () => {
  const url = await serveRaw((socket) => socket.end('nonsense\r\n\r\n'))
  await expect(get(`${url}/announce?passkey=secret`)).rejects.toMatchObject({
    message: expect.not.stringContaining('secret'),
  })
})
