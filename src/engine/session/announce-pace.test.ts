import { expect, test } from 'vitest'
import { Simulator } from '../../sim/index.ts'
import { MAX_PER_SECOND_AND_HOST } from '../discovery/host-line.ts'
import { Session } from './session.ts'

const TORRENTS = 80

test.each(['http', 'udp'] as const)(
  'a session with many torrents announces them in turns over %s, and says of each that it has left',
  async (protocol) => {
    const sim = new Simulator({ seed: 1 })
    const tracker = sim.tracker('10.255.0.1')
    const url = encodeURIComponent(protocol === 'http' ? tracker.httpUrl() : tracker.udpUrl())
    const opening = Session.open({ port: 6881 }, sim.node('10.0.0.1').platform)
    await sim.run({ untilMs: 100 })
    const session = await opening
    for (let i = 0; i < TORRENTS; i++) {
      const infohash = i.toString(16).padStart(40, '0')
      session.add(`magnet:?xt=urn:btih:${infohash}&tr=${url}`, { path: '/data' })
    }
    await sim.run({ untilMs: 1000 })
    expect(tracker.announces).toBeGreaterThan(5)
    expect(tracker.announces).toBeLessThanOrEqual(MAX_PER_SECOND_AND_HOST)
    await sim.run({ untilMs: 6000 })
    expect(tracker.peers).toBe(TORRENTS)
    const closing = session.close()
    await sim.run({ untilMs: 9600 })
    await closing
    expect(tracker.peers).toBe(0)
  },
)
