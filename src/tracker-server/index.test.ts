import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startTracker, type RunningTracker, type TrackerOptions } from './index.ts'
import { ownAddresses } from '../platform/node/lookup.ts'

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

test('closing ends connections that say nothing', async () => {
  const tracker = await startTracker({ ip: '127.0.0.1', port: 0 })
  const socket = connect(tracker.port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  await tracker.close()
  await closed
  await expect(announceBy(tracker.url, 1)).rejects.toThrow('fetch failed')
})
