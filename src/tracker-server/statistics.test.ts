import { expect, test } from 'vitest'
import { Registry } from './registry.ts'
import { statisticsOf, statisticsPage } from './statistics.ts'
import { packAddress } from './sender.ts'
import { Traffic } from './traffic.ts'

function some(): ReturnType<typeof statisticsOf> {
  const registry = new Registry({ random: { below: () => 0 } })
  const traffic = new Traffic()
  for (const [ip, isSeeder] of [['1.1.1.1', true], ['2.2.2.2', false], ['::1', false]] as const) {
    const bytes = new Uint8Array(20)
    registry.announce(
      { infohash: bytes, address: packAddress(ip, 1)!, peerId: bytes, isSeeder, event: null, wanted: 0, bothFamilies: true },
      0,
    )
  } // prettier-ignore
  traffic.announces.http = 1_234_567
  traffic.refused('torrent_full')
  traffic.refused('bad_request')
  traffic.refused('bad_request')
  return statisticsOf(registry, traffic, 93_784_000)
}

test('the figures are sums', () => {
  expect(some()).toEqual({
    uptimeSeconds: 93_784,
    torrents: 1,
    peers: { ipv4: 2, ipv6: 1, seeders: 1, leechers: 2 },
    announces: { http: 1_234_567, udp: 0 },
    scrapes: { http: 0, udp: 0 },
    connects: 0,
    refusals: { bad_request: 2, torrent_full: 1 },
    ignored: 0,
  })
})

test('the page shows them to people, and loads nothing', () => {
  const page = statisticsPage(some())
  expect(page).toContain('<th scope="row">Announces over HTTP</th><td>1,234,567</td>')
  expect(page).toContain('<th scope="row">Refused: torrent full</th><td>1</td>')
  expect(page).toContain('<td>1 d 2 h</td>')
  expect(page).not.toMatch(/src=|url\(|https?:/)
})
