// The small commands that meet others: peers, scrape, piece, tracker.
import { describe, expect, test } from 'vitest'
import { FakeCli, fakeMetainfo } from '../../../../tests/support/fake-cli.ts'
import { fromHex } from '../../../base/bytes.ts'
import {
  NetworkError,
  parseMagnet,
  type FetchPieceOptions,
  type Magnet,
  type Metainfo,
  type SwarmSize,
} from '../../../index.ts'

const SOURCE = 'http://tracker.example/a.torrent'
const metainfo = fakeMetainfo('a.iso', { 'a.iso': 40_000 }, { trackers: [['http://127.0.0.1:1/announce']] })
const reading = { parseTorrent: () => metainfo, fetchUrl: async () => new Uint8Array() }

describe('peers', () => {
  const good = { url: 'http://good.example/announce' }
  const bad = { url: 'http://bad.example/\u001b[2J', error: 'no answer' }

  function asking(
    trackers: readonly { url: string; error?: string; externalIp?: string }[],
    peers: readonly string[],
  ): FakeCli {
    return new FakeCli({ ...reading, queryTrackers: async () => ({ peers, trackers }) })
  }

  test('one a line, and on stderr the trackers that did not answer', async () => {
    const cli = asking([good, bad], ['10.0.0.1:1', '[::1]:2'])
    expect(await cli.run('peers', SOURCE)).toBe(0)
    expect(cli.stdout.text).toBe('10.0.0.1:1\n[::1]:2\n')
    expect(cli.stderr.text).toBe('http://bad.example/\ufffd[2J: no answer\n')
  })

  test('--json says both', async () => {
    const cli = asking([good, bad], ['10.0.0.1:1'])
    expect(await cli.run('peers', SOURCE, '--json')).toBe(0)
    expect(JSON.parse(cli.stdout.text)).toEqual({ peers: ['10.0.0.1:1'], trackers: [good, bad] })
    expect(cli.stderr.text).toBe('')
  })

  test('where we are seen by trackers, once', async () => {
    const seen = [good, { ...good, url: 'udp://other.example:1' }].map((one) => ({ ...one, externalIp: '9.9.9.9' }))
    const cli = asking(seen, [])
    expect(await cli.run('peers', SOURCE)).toBe(0)
    expect(cli.stderr.text).toBe('Seen by trackers as 9.9.9.9\n')
    const json = asking(seen.slice(1), [])
    await json.run('peers', SOURCE, '--json')
    const trackers = [{ url: 'udp://other.example:1', external_ip: '9.9.9.9' }]
    expect(JSON.parse(json.stdout.text)).toEqual({ peers: [], trackers })
  })

  test('when no tracker answers, or there is none: 1', async () => {
    expect(await asking([bad], []).run('peers', SOURCE)).toBe(1)
    const cli = asking([], [])
    expect(await cli.run('peers', SOURCE)).toBe(1)
    expect(cli.stderr.text).toBe('This torrent names no trackers\n')
  })
})

describe('scrape', () => {
  const good = { url: 'http://good.example/announce', seeders: 1, leechers: 20, downloads: 0, error: null }
  const none = { seeders: null, leechers: null, downloads: null }
  const bad = { url: 'http://bad.example/\u001b[2J', ...none, error: 'no answer' }

  function asking(sizes: SwarmSize[]): FakeCli {
    return new FakeCli({ ...reading, scrapeTrackers: async () => sizes })
  }

  test('one tracker a line, and on stderr those that did not answer', async () => {
    const cli = asking([good, bad])
    expect(await cli.run('scrape', SOURCE)).toBe(0)
    expect(cli.stdout.text).toBe('http://good.example/announce: 1 seeder, 20 leechers, 0 downloads\n')
    expect(cli.stderr.text).toBe('http://bad.example/\ufffd[2J: no answer\n')
  })

  test('--json says both', async () => {
    const cli = asking([good, bad])
    expect(await cli.run('scrape', SOURCE, '--json')).toBe(0)
    const { error, ...figures } = good
    expect(error).toBe(null)
    expect(JSON.parse(cli.stdout.text)).toEqual({ trackers: [figures, { url: bad.url, error: 'no answer' }] })
  })

  test('when no tracker answers, or there is none: 1', async () => {
    expect(await asking([bad]).run('scrape', SOURCE)).toBe(1)
    const cli = asking([])
    expect(await cli.run('scrape', SOURCE)).toBe(1)
    expect(cli.stderr.text).toBe('This torrent names no trackers\n')
  })
})

test.each(['peers', 'scrape'])('%s asks about a magnet link, too, and about an infohash by itself', async (command) => {
  const infohash = 'ab'.repeat(20)
  const asked: (Metainfo | Magnet)[] = []
  const cli = new FakeCli({
    parseMagnet,
    queryTrackers: async (torrent) => (asked.push(torrent), { peers: [], trackers: [{ url: 'udp://t.example:1' }] }),
    scrapeTrackers: async (torrent) => (asked.push(torrent), []),
  })
  await cli.run(command, `magnet:?xt=urn:btih:${infohash}&tr=udp%3A%2F%2Ft.example%3A1`)
  await cli.run(command, infohash)
  expect(asked).toEqual([
    expect.objectContaining({ infohashV1: fromHex(infohash), trackers: ['udp://t.example:1'] }),
    expect.objectContaining({ infohashV1: fromHex(infohash), trackers: [] }),
  ])
})

describe('piece', () => {
  test('hands over where, what and from whom', async () => {
    const asked: [piece: number, file: string, options: FetchPieceOptions][] = []
    const cli = new FakeCli({
      ...reading,
      fetchPiece: async (_, piece, file, options = {}) => void asked.push([piece, file, options]),
    })
    cli.names = { 'friend.example': ['10.0.0.2'] }
    const peers = ['--peer', '10.0.0.1:1', '--peer', 'friend.example:2']
    expect(await cli.run('piece', SOURCE, '2', '-o', 'two.bin', '--port', '0', ...peers)).toBe(0)
    expect(asked).toMatchObject([[2, 'two.bin', { port: 0, peers: ['10.0.0.1:1', '10.0.0.2:2'] }]])
    expect(cli.stderr.text).toBe('Wrote piece 2, verified, to two.bin\n')
    expect(cli.stdout.text).toBe('')
  })

  test('that there is not, is wrong usage', async () => {
    const cli = new FakeCli(reading)
    expect(await cli.run('piece', SOURCE, '3', '-o', 'x')).toBe(2)
    expect(cli.stderr.text).toBe('shoal: There is no piece 3; this torrent has 3, counted from 0\n')
  })

  test('stopped before it came: 130', async () => {
    const fetchPiece = async (_: unknown, _piece: number, _file: string, options: FetchPieceOptions = {}) => {
      cli.stop.request('SIGINT')
      options.signal?.throwIfAborted()
    }
    const cli: FakeCli = new FakeCli({ ...reading, fetchPiece })
    expect(await cli.run('piece', SOURCE, '0', '-o', 'x', '--quiet')).toBe(130)
    expect(cli.stderr.text).toBe('')
  })
})

describe('tracker', () => {
  test('says its announce URL, answers, and ends with 0 when it is stopped', async () => {
    const cli = new FakeCli()
    const code = cli.run('tracker', '--port', '0', '--bind', '127.0.0.1')
    await new Promise<void>((resolve) => {
      cli.stdout.onWrite = resolve
    })
    const url = cli.stdout.lines[0]
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/announce$/)
    const answer = await fetch(url)
    expect(await answer.text()).toContain('failure reason')
    cli.stop.request('SIGTERM')
    expect(await code).toBe(0)
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })
})

test('what a URL does not bring is a failure, with what to do', async () => {
  const cli = new FakeCli({
    fetchUrl: async () => {
      throw new NetworkError('name_not_found', 'Cannot get http://tracker.example/a.torrent: name not found')
    },
  })
  expect(await cli.run('peers', SOURCE, '--json')).toBe(1)
  const message = 'Cannot get http://tracker.example/a.torrent: name not found; check the name and the network'
  expect(JSON.parse(cli.stdout.text)).toEqual({ error: { code: 'name_not_found', message } })
})

test('a URL that never answers does not hold up the end', async () => {
  const cli = new FakeCli({ fetchUrl: () => new Promise(() => {}) })
  const code = cli.run('download', SOURCE)
  cli.stop.request('SIGINT')
  expect(await code).toBe(130)
})
