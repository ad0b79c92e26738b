import { expect, test } from 'vitest'
import { FakeCli, FakeSwarm, fakeMetainfo } from '../../../../tests/support/fake-cli.ts'

const SOURCE = 'http://tracker.example/a.torrent'
const metainfo = fakeMetainfo('album', { 'one.ogg': 50_000, 'two.ogg': 50_000 })

test('complete content is verified, then served until it is stopped: 0', async () => {
  const swarm = new FakeSwarm(metainfo)
  const cli = new FakeCli(swarm.engine)
  const code = cli.run('seed', SOURCE, '/music', '--json', '--peer', '10.0.0.1:1')
  const torrent = await swarm.added
  expect(torrent.options).toEqual({ path: '/music', name: 'album', peers: ['10.0.0.1:1'] })
  torrent.check(7)
  torrent.complete()
  while (!cli.stdout.text.includes('seeding')) await new Promise((resolve) => setImmediate(resolve))
  cli.stop.request('SIGINT')
  expect(await code).toBe(0)
  const events = cli.events.map(({ event }) => event)
  expect(events).toEqual(['listening', 'checking', 'seeding', 'stopped'])
})

test('--super-seed reaches the torrent; what it does not know is a mistake in usage', async () => {
  const swarm = new FakeSwarm(metainfo)
  const cli = new FakeCli(swarm.engine)
  const code = cli.run('seed', SOURCE, '/music', '--super-seed', 'auto')
  const torrent = await swarm.added
  expect(torrent.options.superSeed).toBe('auto')
  cli.stop.request('SIGINT')
  expect(await code).toBe(0)
  expect(await new FakeCli(swarm.engine).run('seed', SOURCE, '/music', '--super-seed', 'maybe')).toBe(2)
})

test('content that is not complete is not served, and not changed', async () => {
  const swarm = new FakeSwarm(metainfo)
  const cli = new FakeCli(swarm.engine)
  const code = cli.run('seed', SOURCE, '/music', '--json')
  const torrent = await swarm.added
  torrent.check(5)
  expect(torrent.isRemoved).toBe(true)
  expect(await code).toBe(1)
  expect(cli.events.at(-1)).toMatchObject({
    event: 'error',
    code: 'incomplete',
    message: 'Cannot seed album: 2 pieces missing or damaged; run shoal download to get them',
  })
})

test('stopped while it verifies: 0 too, seeding has no other end', async () => {
  const swarm = new FakeSwarm(metainfo)
  const cli = new FakeCli(swarm.engine)
  const code = cli.run('seed', SOURCE, '/music')
  const torrent = await swarm.added
  torrent.emit('checking', { done: 1, total: 7 })
  cli.stop.request('SIGTERM')
  expect(await code).toBe(0)
})
