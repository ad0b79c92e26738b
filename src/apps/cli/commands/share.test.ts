import { expect, test } from 'vitest'
import { FakeCli, FakeSwarm, fakeMetainfo } from '../../../../tests/support/fake-cli.ts'

const metainfo = fakeMetainfo('album', { 'one.ogg': 50_000, 'two.ogg': 50_000 })

test('content that has changed since it was hashed is to be hashed again, not to be downloaded', async () => {
  const swarm = new FakeSwarm(metainfo)
  const cli = new FakeCli({
    ...swarm.engine,
    createTorrent: async () => new Uint8Array(0),
    parseTorrent: () => metainfo,
  })
  const code = cli.run('share', '/music/album', '--json')
  const torrent = await swarm.added
  torrent.check(5)
  expect(await code).toBe(1)
  expect(cli.events.at(-1)).toMatchObject({
    event: 'error',
    code: 'incomplete',
    message:
      'Cannot seed album: 2 pieces missing or damaged; it has changed since it was hashed, so run this command again',
  })
})
