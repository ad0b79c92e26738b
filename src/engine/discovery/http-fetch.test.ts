import { expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import { decodeUtf8, encodeUtf8 } from '../../base/bytes.ts'
import { NetworkError } from '../../base/errors.ts'
import type { HttpRequest, HttpResponse } from '../../platform/platform.ts'
import { fetchFollowing, type FetchOptions, type FetchParts } from './http-fetch.ts'

type Page = string | { readonly to: string; readonly status?: number } | NetworkError

/** Names and pages as the test draws them; a page is a text, a redirect, or an error. `ip|url` is that page of one IP only. */
function internet(names: Record<string, string[]>, pages: Record<string, Page>) {
  const asked: string[] = []
  const requests: HttpRequest[] = []
  const clock = new FakeClock()
  const parts: FetchParts = {
    clock,
    network: {
      lookup: async (host, family) => {
        const ips = (names[host] ?? [host]).filter((ip) => family === 'any' || ip.includes(':') === (family === 6))
        if (ips.length === 0) throw new NetworkError('name_not_found', `Cannot look up ${host}`)
        return ips
      },
      httpGet: async (request): Promise<HttpResponse> => {
        asked.push(`${request.remoteIp} ${request.url}`)
        requests.push(request)
        const page = pages[`${request.remoteIp}|${request.url}`] ?? pages[request.url] ?? 'nothing'
        if (page instanceof NetworkError) throw page
        if (typeof page === 'string') return { status: 200, headers: {}, body: encodeUtf8(page) }
        return { status: page.status ?? 302, headers: { location: page.to }, body: new Uint8Array(0) }
      },
    },
  }
  const fetch = (url: string, options: Partial<FetchOptions> = {}): Promise<string> =>
    fetchFollowing(parts, { url, timeoutMs: 10_000, maxBytes: 1000, ...options }).then(({ body }) => decodeUtf8(body))
  return { fetch, asked, requests, clock, parts }
}

const refused = new NetworkError('econnrefused', 'Cannot get: connection refused')

test('looks the name up, and asks just that IP', async () => {
  const { fetch, asked, requests } = internet({ 'a.org': ['1.1.1.1'] }, { 'http://a.org/x': 'text' })
  expect(await fetch('http://a.org/x', { headers: { A: 'b' }, localIp: '10.0.0.1' })).toBe('text')
  expect(asked).toEqual(['1.1.1.1 http://a.org/x'])
  expect(requests[0]).toMatchObject({ headers: { A: 'b' }, localIp: '10.0.0.1', maxBytes: 1000, timeoutMs: 10_000 })
})

test.each([301, 302, 303, 307, 308])('status %d is followed, also where the location is relative', async (status) => {
  const { fetch } = internet(
    { 'a.org': ['1.1.1.1'] },
    { 'http://a.org/x/y': { to: '../z', status }, 'http://a.org/z': 'end' },
  )
  expect(await fetch('http://a.org/x/y')).toBe('end')
})

test('other answers are handed back as they are', async () => {
  const { fetch } = internet({ 'a.org': ['1.1.1.1'] }, { 'http://a.org/': { to: '/z', status: 404 } })
  expect(await fetch('http://a.org/')).toBe('')
})

test('five redirects are followed, the sixth is one too many', async () => {
  const pages: Record<string, Page> = { 'http://1.1.1.1/0': 'end' }
  for (let i = 1; i <= 6; i++) pages[`http://1.1.1.1/${i}`] = { to: `/${i - 1}` }
  const { fetch } = internet({}, pages)
  expect(await fetch('http://1.1.1.1/5')).toBe('end')
  await expect(fetch('http://1.1.1.1/6')).rejects.toMatchObject({ code: 'too_many_redirects' })
})

test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '0.0.0.0', '::1', 'fd00::1', '64:ff9b::7f00:1'])(
  'a server in the internet cannot send us to %s, by name or by number',
  async (inside) => {
    const literal = inside.includes(':') ? `[${inside}]` : inside
    const names = { 'a.org': ['1.1.1.1'], 'evil.org': [inside], [literal]: [inside] }
    for (const to of ['http://evil.org/', `http://${literal}/`]) {
      const { fetch, asked } = internet(names, { 'http://a.org/': { to } })
      await expect(fetch('http://a.org/')).rejects.toMatchObject({ code: 'unsafe_redirect' })
      expect(asked.length).toBe(1)
    }
  },
)

test('nor by way of another server in the internet, nor with one good IP among bad ones', async () => {
  const names = { 'a.org': ['1.1.1.1'], 'b.org': ['2.2.2.2'], 'c.org': ['10.0.0.1', '3.3.3.3'] }
  const pages: Record<string, Page> = {
    'http://a.org/': { to: 'http://b.org/' },
    'http://b.org/': { to: 'http://c.org/' },
  }
  const { fetch, asked } = internet(names, pages)
  await fetch('http://a.org/')
  expect(asked.at(-1)).toBe('3.3.3.3 http://c.org/')
})

test('within the local network redirects are free, and out of it as well', async () => {
  const pages: Record<string, Page> = {
    'http://127.0.0.1/': { to: 'http://10.0.0.1/' },
    'http://10.0.0.1/': { to: 'https://1.1.1.1/' },
    'https://1.1.1.1/': 'end',
  }
  expect(await internet({}, pages).fetch('http://127.0.0.1/')).toBe('end')
})

test.each(['ftp://1.1.1.1/', 'file:///etc/passwd', 'http://'])('a redirect to %s is unsupported_url', async (to) => {
  const { fetch } = internet({}, { 'http://1.1.1.1/': { to } })
  await expect(fetch('http://1.1.1.1/')).rejects.toMatchObject({ code: 'unsupported_url' })
})

test('an IP that is out of order is followed by the next, three at most', async () => {
  const names = { 'a.org': ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4'] }
  const two = internet(names, { '1.1.1.1|http://a.org/': refused, '2.2.2.2|http://a.org/': 'second' })
  expect(await two.fetch('http://a.org/')).toBe('second')
  expect(two.requests.map(({ timeoutMs }) => timeoutMs)).toEqual([5000, 5000])
  const none = internet(names, { 'http://a.org/': refused })
  await expect(none.fetch('http://a.org/')).rejects.toMatchObject({ code: 'econnrefused' })
  expect(none.asked.length).toBe(3)
})

test('an IP that answers badly is not followed by another', async () => {
  const huge = new NetworkError('response_too_large', 'Cannot get: too large')
  const { fetch, asked } = internet({ 'a.org': ['1.1.1.1', '2.2.2.2'] }, { 'http://a.org/': huge })
  await expect(fetch('http://a.org/')).rejects.toMatchObject({ code: 'response_too_large' })
  expect(asked.length).toBe(1)
})

test('only the family of the local IP is used, or the one that is asked for', async () => {
  const { fetch, asked } = internet({ 'a.org': ['1.1.1.1', '2001:db8::1'] }, {})
  await fetch('http://a.org/', { localIp: '::1' })
  await fetch('http://a.org/', { localIp: '127.0.0.1' })
  await fetch('http://a.org/', { family: 6 })
  expect(asked.map((line) => line.split(' ')[0])).toEqual(['2001:db8::1', '1.1.1.1', '2001:db8::1'])
})

test('a lookup that hangs ends with the time limit, or the signal, and leaves no timer', async () => {
  const { clock, parts } = internet({}, {})
  const hanging: FetchParts = { ...parts, network: { ...parts.network, lookup: () => new Promise(() => {}) } }
  const controller = new AbortController()
  const options = { url: 'http://a.org/', timeoutMs: 500, maxBytes: 1 }
  const late = fetchFollowing(hanging, options).catch((error: NetworkError) => error.code)
  const ended = fetchFollowing(hanging, { ...options, signal: controller.signal }).catch(
    (error: NetworkError) => error.code,
  )
  controller.abort()
  expect(await ended).toBe('aborted')
  await clock.pass(500)
  expect(await late).toBe('timed_out')
  expect(clock.pending).toBe(0)
})
