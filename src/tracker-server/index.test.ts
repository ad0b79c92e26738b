import { createSocket, Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { LogRecord } from '../base/log.ts'
import { startTracker, type RunningTracker, type TrackerOptions, type TrackerStatistics } from './index.ts'
import { ownAddresses } from '../platform/node/lookup.ts'
import { decodeUdpResponse, encodeUdpRequest, type UdpRequest, type UdpResponse } from '../protocol/tracker/index.ts'

const running: RunningTracker[] = []
afterEach(() => Promise.all(running.splice(0).map((tracker) => tracker.close())))

async function start(options: TrackerOptions = { ip: '127.0.0.1', port: 0 }): Promise<RunningTracker> {
  const tracker = await startTracker(options)
  running.push(tracker)
  return tracker
}

const announceBy = (url: string, port: number): Promise<Response> =>
  fetch(`${url}?info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=${port}&left=1`)

test('announces are answered over real sockets', async () => {
  const { url, port } = await start()
  expect(url).toBe(`http://127.0.0.1:${port}/announce`)
  await announceBy(url, 1)
  const response = await announceBy(url, 2)
  expect(response.headers.get('content-type')).toBe('text/plain')
  expect(await response.text()).toContain('5:peers6:\u007f\u0000\u0000\u0001\u0000\u0001')
})

test('other paths and methods are turned away', async () => {
  const { url } = await start()
  expect((await fetch(new URL('/', url))).status).toBe(404)
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405)
})

test('it serves those torrents alone that it is told to, from then on', async () => {
  const tracker = await start()
  const says = async (): Promise<string> => (await announceBy(tracker.url, 1)).text()
  expect(await says()).toContain('5:peers')
  tracker.serveOnly([])
  expect(await says()).toContain('failure reason')
  tracker.serveOnly([new Uint8Array(20).fill(0x61)])
  expect(await says()).toContain('5:peers')
})

test('a port that is taken is address_in_use', async () => {
  const { port } = await start()
  await expect(startTracker({ ip: '127.0.0.1', port })).rejects.toMatchObject({ code: 'address_in_use' })
  await expect(startTracker({ ip: 'localhost' })).rejects.toMatchObject({ code: 'address_not_available' })
})

test.runIf(ownAddresses().includes('::1'))('without an IP it listens on both families', async () => {
  const { url, port } = await start({})
  expect((await announceBy(url, 1)).status).toBe(200)
  const text = await (await announceBy(`http://[::1]:${port}/announce`, 2)).text()
  // The IPv4 peer came in over the same socket, and is IPv4 still.
  expect(text).toContain('5:peers6:\u007f\u0000\u0000\u0001\u0000\u0001')
})

/** A client over UDP, one request after the other. */
async function udpClient(ip: string, port: number) {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4')
  const ask = (request: UdpRequest): Promise<UdpResponse> =>
    new Promise((resolve) => {
      socket.once('message', (answer) => resolve(decodeUdpResponse(answer, ip.includes(':') ? 16 : 4)!))
      socket.send(encodeUdpRequest(request), port, ip)
    })
  const connected = await ask({ kind: 'connect', transactionId: 1 })
  if (connected.kind !== 'connect') throw new Error('no connection id')
  const { connectionId } = connected
  const [infohash, peerId] = [new Uint8Array(20).fill(0x61), new Uint8Array(20).fill(0x62)]
  const rest = { uploaded: 0, downloaded: 0, left: 1, event: null, key: 1, numWant: -1, urlData: '' } as const
  return {
    announce: (port: number) =>
      ask({ kind: 'announce', transactionId: 2, connectionId, infohash, peerId, port, ...rest }),
    scrape: () => ask({ kind: 'scrape', transactionId: 3, connectionId, infohashes: [infohash] }),
    close: () => socket.close(),
  }
}

test('UDP is answered on the same port, from the same swarms', async () => {
  const { url, udpUrl, port } = await start()
  expect(udpUrl).toBe(`udp://127.0.0.1:${port}/announce`)
  await announceBy(url, 1)
  const client = await udpClient('127.0.0.1', port)
  expect(await client.announce(2)).toMatchObject({ peers: [{ ip: '127.0.0.1', port: 1 }], leechers: 2, seeders: 0 })
  expect(await client.scrape()).toMatchObject({ files: [{ seeders: 0, leechers: 2, downloads: 0 }] })
  client.close()
})

test('many datagrams at once are each answered in their own words', async () => {
  const { port } = await start()
  const socket = createSocket('udp4')
  const answers: Uint8Array[] = []
  const all = new Promise<void>((resolve) =>
    socket.on('message', (answer) => {
      if (answers.push(answer) === 200) resolve()
    }),
  )
  for (let i = 0; i < 200; i++) socket.send(encodeUdpRequest({ kind: 'connect', transactionId: i }), port, '127.0.0.1')
  await all
  const ids = answers.map((answer) => decodeUdpResponse(answer, 4)!.transactionId)
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
  socket.close()
})

test('datagrams that cannot be answered leave nothing in the log', async () => {
  const sockets: Socket[] = []
  const bind = vi.spyOn(Socket.prototype, 'bind').mockImplementation(function (this: Socket, ...place: unknown[]) {
    sockets.push(this)
    bind.mockRestore()
    return (this.bind as (...place: unknown[]) => Socket)(...place)
  })
  const lines: LogRecord[] = []
  await start({ ip: '127.0.0.1', log: (line) => lines.push(line) })
  const connect = encodeUdpRequest({ kind: 'connect', transactionId: 1 })
  // No socket sends from port 0; forged datagrams come from there, and from where the system refuses to send.
  sockets[0].emit('message', connect, { address: '127.0.0.1', family: 'IPv4', port: 0, size: connect.length })
  sockets[0].emit('error', new Error('send EACCES 255.255.255.255:1'))
  expect(lines.filter(({ level }) => level !== 'debug')).toEqual([])
})

test('UDP can be left out', async () => {
  const { udpUrl, port } = await start({ ip: '127.0.0.1', udp: false })
  expect(udpUrl).toBe(null)
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
  socket.close()
})

test('a port that is taken for UDP is address_in_use, and HTTP does not stay open', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await expect(startTracker({ ip: '127.0.0.1', port })).rejects.toMatchObject({ code: 'address_in_use' })
  await start({ ip: '127.0.0.1', port, udp: false })
  socket.close()
})

test.runIf(ownAddresses().includes('::1'))('UDP is answered over both families', async () => {
  const { port } = await start({})
  for (const ip of ['127.0.0.1', '::1']) {
    const client = await udpClient(ip, port)
    await client.announce(1)
    expect(await client.announce(2)).toMatchObject({ peers: [{ ip, port: 1 }] })
    client.close()
  }
})

test('statistics are told to people and programs', async () => {
  const tracker = await start()
  await announceBy(tracker.url, 1)
  const page = await fetch(new URL('/stats', tracker.url))
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(await page.text()).toContain('Shoal tracker')
  const response = await fetch(new URL('/stats.json', tracker.url))
  const json = (await response.json()) as TrackerStatistics
  expect(json).toMatchObject({ torrents: 1, peers: { ipv4: 1 }, announces: { http: 1, udp: 0 } })
  expect(json).toEqual({ ...tracker.statistics(), uptimeSeconds: json.uptimeSeconds })
})

test('what a proxy says of the sender counts only behind one, and only its last word', async () => {
  const announce = (url: string, port: number): Promise<string> =>
    fetch(`${url}?info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=${port}&left=1&compact=0&no_peer_id=1`, {
      headers: { 'X-Forwarded-For': '6.6.6.6, 7.7.7.7' },
    }).then((response) => response.text())
  const [direct, proxied] = [await start(), await start({ ip: '127.0.0.1', isBehindProxy: true })]
  for (const [{ url }, ip] of [[direct, '127.0.0.1'], [proxied, '7.7.7.7']] as const) {
    await announce(url, 1)
    expect(await announce(url, 2)).toContain(`peersld2:ip${ip.length}:${ip}4:porti1ee`)
  } // prettier-ignore
})

test.each([
  ['1.2.3.4:5678', '1.2.3.4'],
  ['[2001:db8::1]:5678', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
])('a proxy may write %s for the sender', async (said, ip) => {
  const { url } = await start({ ip: '127.0.0.1', isBehindProxy: true })
  const query = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&left=1&compact=0&no_peer_id=1`
  const announce = (port: number): Promise<string> =>
    fetch(`${url}?${query}&port=${port}`, { headers: { 'X-Forwarded-For': said } }).then((response) => response.text())
  await announce(1)
  expect(await announce(2)).toContain(`d2:ip${ip.length}:${ip}4:porti1ee`)
})

test('with a list, only the torrents on it are served', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-tracker-'))
  const allowFile = join(folder, 'allowed')
  await expect(startTracker({ ip: '127.0.0.1', allowFile })).rejects.toMatchObject({ code: 'ENOENT' })
  writeFileSync(allowFile, '61'.repeat(20))
  const { url } = await start({ ip: '127.0.0.1', allowFile })
  expect(await (await announceBy(url, 1)).text()).toContain('5:peers0:')
  const other = await fetch(`${url}?info_hash=${'c'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=1`)
  expect(await other.text()).toContain('14:failure reason')
  rmSync(folder, { recursive: true })
})

const OWN_IP = ownAddresses().find((ip) => !ip.includes(':') && !ip.startsWith('127.'))

test.runIf(OWN_IP !== undefined)('one address does not take all connections', async () => {
  const tracker = await start({ ip: OWN_IP, port: 0 })
  const open = Array.from({ length: 100 }, () => connect(tracker.port, OWN_IP))
  await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  const oneMore = (): Promise<string> =>
    fetch(`http://${OWN_IP}:${tracker.port}/stats.json`).then((page) => page.text())
  await expect(oneMore()).rejects.toThrow('fetch failed')
  const closed = new Promise((resolve) => open[0].once('close', resolve))
  open[0].destroy()
  await closed
  await vi.waitFor(async () => expect(await oneMore()).toContain('uptimeSeconds'))
  for (const socket of open) socket.destroy()
})

test('closing ends connections that say nothing', async () => {
  const tracker = await startTracker({ ip: '127.0.0.1', port: 0 })
  const socket = connect(tracker.port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  await tracker.close()
  await closed
  await tracker.close()
  await expect(announceBy(tracker.url, 1)).rejects.toThrow('fetch failed')
})
