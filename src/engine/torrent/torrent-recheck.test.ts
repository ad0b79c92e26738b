// Content that was there before us is looked at; whoever is interrupted in that goes on where it was.
import { expect, test } from 'vitest'
import { SimContent, Simulator } from '../../sim/index.ts'
import type { Platform } from '../../platform/platform.ts'
import { Session } from '../session/session.ts'
import type { Torrent } from './torrent.ts'

const PIECES = 256
const PIECE = 262_144
const LIMIT_MS = 600_000

/** A node with the whole content, which it has never looked at, on a disk that reads four pieces a second. */
function world() {
  const sim = new Simulator({ seed: 1 })
  const content = new SimContent({ files: PIECES * PIECE, pieceBytes: PIECE })
  const node = sim.node('10.0.0.1', { hasState: true, disk: { devices: { '/data': { bytesPerSecond: 4 * PIECE } } } })
  content.fill(node.disk, '/data')
  const hashed = { pieces: 0, of: 0 }
  let torrent: Torrent
  const start = async (platform: Platform, options: { recheck?: boolean } = {}): Promise<void> => {
    let session: Session | null = null
    void Session.open({ port: 6881 }, platform).then((opened) => (session = opened))
    await sim.run({ until: () => session !== null, limitMs: LIMIT_MS })
    torrent = session!.add(content.torrent, { path: '/data', ...options })
    hashed.pieces = hashed.of = 0
    torrent.on('checking', ({ done, total }) => {
      hashed.pieces = done
      hashed.of = total
    })
  }
  const until = (condition: () => boolean): Promise<unknown> => sim.run({ until: condition, limitMs: LIMIT_MS })
  return { sim, node, hashed, start, until, torrent: () => torrent }
}

test.each([
  ['killed', 22],
  ['ended', 0],
])('a check that is %s goes on where it was, but for a few seconds', async (how, lost) => {
  const { sim, node, hashed, start, until, torrent } = world()
  await start(node.platform)
  await until(() => hashed.pieces >= 100)
  if (how === 'ended') {
    let isGone = false
    void torrent()
      .remove()
      .then(() => (isGone = true))
    await until(() => isGone)
  }
  const { pieces } = hashed
  node.kill()
  await sim.run({ untilMs: sim.nowMs + 1000 })
  await start(node.restart())
  await until(() => torrent().state === 'seeding')
  expect(hashed.of).toBeGreaterThanOrEqual(PIECES - pieces - 4)
  expect(hashed.of).toBeLessThanOrEqual(PIECES - pieces + lost)
})

test('a check that came to its end is not repeated', async () => {
  const { node, hashed, start, until, torrent } = world()
  await start(node.platform)
  await until(() => torrent().state === 'seeding')
  expect(hashed.of).toBe(PIECES)
  node.kill()
  await start(node.restart())
  await until(() => torrent().state === 'seeding')
  expect(hashed.of).toBe(0)
})

test('`recheck` looks at all of it, and finds what no journal could know of', async () => {
  const { node, hashed, start, until, torrent } = world()
  await start(node.platform)
  await until(() => torrent().state === 'seeding')
  node.kill()
  node.disk.device('/data').corrupt('/data/content', 5 * PIECE)
  await start(node.restart())
  await until(() => torrent().state === 'seeding')
  expect(hashed.of, 'the damage is not seen').toBe(0)
  node.kill()
  await start(node.restart(), { recheck: true })
  await until(() => torrent().state === 'downloading')
  expect(hashed.of).toBe(PIECES)
  expect(torrent().stats().piecesHave).toBe(PIECES - 1)
  // And is remembered.
  node.kill()
  await start(node.restart())
  await until(() => torrent().state === 'downloading')
  expect(hashed.of).toBe(0)
  expect(torrent().stats().piecesHave).toBe(PIECES - 1)
})
