// Redirects of HTTP servers: followed a few times, and never from the internet into the local network. An input is text: a line
// for each answer (`status location`), and before them the URL that is asked for.
import { ipScope } from '../../../base/address.ts'
import { decodeUtf8, encodeUtf8 } from '../../../base/bytes.ts'
import { NetworkError } from '../../../base/errors.ts'
import { fetchFollowing } from '../../../engine/discovery/http-fetch.ts'
import type { HttpRequest, HttpResponse } from '../../../platform/platform.ts'
import { expectTrue } from '../expect.ts'
import type { Target } from '../target.ts'

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['8.8.8.8', '2001:4860::8888'],
  'private.example': ['192.168.1.1'],
  'both.example': ['10.0.0.1', '9.9.9.9', '1.1.1.1', '4.4.4.4'],
}
const MOST_REQUESTS = 6 * 3

export const redirects: Target = {
  name: 'redirects',
  seeds: [
    'http://public.example/a\n200',
    'http://public.example/a\n302 http://private.example/b\n200',
    'http://private.example/a\n301 http://public.example/b\n307 /c\n308 https://both.example/d\n303 ?e\n200',
    'http://both.example/\nrefused\n404',
    'http://both.example/\ntoo-large',
    'http://both.example/\nrefused\nrefused\nrefused',
    `http://public.example/\n${'302 /again\n'.repeat(7)}`,
    'http://nowhere.example/',
    'http://127.0.0.1:8080/a\n302 http://[::1]/',
    'ftp://public.example/',
    'nothing',
    'http://public.example/\n302 javascript:alert(1)',
    'http://public.example/\n302',
  ].map((text) => encodeUtf8(text)),
  words: [
    'http://', 'https://', 'public.example', 'private.example', 'both.example', '127.0.0.1', '[::1]', '[::ffff:7f00:1]', '0x7f.1', '\n302 ', '\n200',
    '\nrefused', '//', '/', '@', ':0', ':65536', '%', '\\', '#', '\t', 'file:', '\u{1f600}',
  ], // prettier-ignore
  refusals: [NetworkError],
  async parse(input) {
    const [url, ...answers] = decodeUtf8(input).split('\n')
    let requests = 0
    let isOutside = false
    const network = {
      lookup: async (host: string): Promise<readonly string[]> => {
        const ip = host.replace(/^\[|\]$/g, '')
        const ips = NAMES[host] ?? (/^[\d.]+$|:/.test(ip) ? [ip] : null)
        if (ips === null) throw new NetworkError('name_not_found', 'Cannot look up a name')
        return ips
      },
      httpGet: async ({ url, remoteIp }: HttpRequest): Promise<HttpResponse> => {
        const scope = ipScope(remoteIp!)
        expectTrue(++requests <= MOST_REQUESTS, 'redirects come to an end')
        expectTrue(/^https?:\/\//.test(url), 'only http and https are asked')
        expectTrue(!isOutside || scope === 'global', 'nobody out there sends us into the local network')
        const [status, location] = (answers.shift() ?? '200').split(/ (.*)/s)
        if (status === 'refused') throw new NetworkError('connection_refused', 'Cannot get: refused')
        if (status === 'too-large') throw new NetworkError('response_too_large', 'Cannot get: too large')
        if (scope === 'global' && location) isOutside = true
        return { status: Number(status), headers: location ? { location } : {}, body: new Uint8Array(0) }
      },
    }
    const clock = { now: () => 0, after: () => () => {} }
    await fetchFollowing({ clock, network }, { url, timeoutMs: 1000, maxBytes: 1000 })
  },
  sources: [{ path: 'engine/discovery/http-fetch.ts' }],
}
