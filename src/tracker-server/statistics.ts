// What the tracker says of itself, for people (`/stats`) and programs (`/stats.json`): sums alone, no torrent and no address.
import type { Registry } from './registry.ts'
import type { Traffic } from './traffic.ts'

export interface TrackerStatistics {
  readonly uptimeSeconds: number
  /** Torrents that somebody is in. */
  readonly torrents: number
  readonly peers: { readonly ipv4: number; readonly ipv6: number; readonly seeders: number; readonly leechers: number }
  /** Answered since the start. */
  readonly announces: { readonly http: number; readonly udp: number }
  readonly scrapes: { readonly http: number; readonly udp: number }
  /** Connection ids given out (UDP). */
  readonly connects: number
  /** Requests answered by an error, by its code. */
  readonly refusals: Readonly<Record<string, number>>
  /** Datagrams not answered. */
  readonly ignored: number
}

export function statisticsOf(registry: Registry, traffic: Traffic, uptimeMs: number): TrackerStatistics {
  const [ipv4, ipv6] = registry.peers
  const { seeders } = registry
  return {
    uptimeSeconds: Math.floor(uptimeMs / 1000),
    torrents: registry.torrents,
    peers: { ipv4, ipv6, seeders, leechers: ipv4 + ipv6 - seeders },
    announces: { ...traffic.announces },
    scrapes: { ...traffic.scrapes },
    connects: traffic.connects,
    refusals: Object.fromEntries([...traffic.refusals].sort(([a], [b]) => (a < b ? -1 : 1))),
    ignored: traffic.ignored,
  }
}

/** A page that loads nothing else. */
export function statisticsPage(statistics: TrackerStatistics): string {
  const { peers, announces, scrapes, refusals } = statistics
  const rows: [string, number | string][] = [
    ['Running for', durationText(statistics.uptimeSeconds)],
    ['Torrents', statistics.torrents],
    ['Peers', peers.ipv4 + peers.ipv6],
    ['Seeders', peers.seeders],
    ['Leechers', peers.leechers],
    ['Peers over IPv4', peers.ipv4],
    ['Peers over IPv6', peers.ipv6],
    ['Announces over HTTP', announces.http],
    ['Announces over UDP', announces.udp],
    ['Scrapes over HTTP', scrapes.http],
    ['Scrapes over UDP', scrapes.udp],
    ['UDP connections', statistics.connects],
    ['UDP datagrams ignored', statistics.ignored],
    ...Object.entries(refusals).map(([code, count]): [string, number] => [
      `Refused: ${code.replaceAll('_', ' ')}`,
      count,
    ]),
  ]
  const body = rows.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${numberText(value)}</td></tr>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Shoal tracker</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark; margin: 2rem auto; max-width: 30rem; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% }
  th { font-weight: normal; text-align: left }
  td { font-variant-numeric: tabular-nums; text-align: right }
  th, td { border-bottom: 1px solid #8884; padding: .2rem 0 }
</style>
<h1>Shoal tracker</h1>
<table>
${body.join('\n')}
</table>
<p>The same for programs: <a href="stats.json">stats.json</a></p>
</html>
`
}

/** Digits in groups of three, whatever the locale. */
function numberText(value: number | string): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

function durationText(seconds: number): string {
  const hours = Math.floor(seconds / 3600)
  const days = Math.floor(hours / 24)
  if (days > 0) return `${days} d ${hours % 24} h`
  const minutes = Math.floor(seconds / 60)
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}
