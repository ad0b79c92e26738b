// Web servers on simulated machines, and one who asks them for parts of files.
import { describe, expect, test } from 'vitest'
import { SimWebServer, serveFiles, type WebAnswer, type WebRequest } from '../../../tests/support/sim-web-server.ts'
import { concatBytes, equalBytes } from '../../base/bytes.ts'
import { Simulator, type SimNode } from '../../sim/index.ts'
import type { RangeFailure } from './range-answer.ts'
import { RangeStream, type WebRange } from './range-stream.ts'

const SIZE = 100_000

function file(seed: number, length = SIZE): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + seed) & 255)
}

class World {
  readonly sim = new Simulator({ seed: 1, content: 'bytes' })
  readonly client: SimNode
  readonly stream: RangeStream
  readonly failures: RangeFailure[] = []
  done = 0
  onRangeDone = (): void => {}
  #parts: Uint8Array[] = []

  constructor(isTrusted = true) {
    this.client = this.sim.node('10.0.0.1')
    const { network, clock } = this.client.platform
    this.stream = new RangeStream(
      {
        network,
        userAgent: 'Test/1',
        localIp: undefined,
        isTrusted,
        now: () => clock.now(),
        wall: () => clock.wall(),
      },
      {
        onBytes: (bytes) => this.#parts.push(bytes.slice()),
        onRangeDone: () => {
          this.done++
          this.onRangeDone()
        },
        onFailed: (failure) => this.failures.push(failure),
      },
    )
    clock.every(100, () => this.stream.tick(clock.now()))
  }

  serve(ip: string, answer: (request: WebRequest) => WebAnswer | null): SimWebServer {
    return new SimWebServer(this.sim.node(ip), answer)
  }

  /** What has come since it was asked last. */
  taken(): Uint8Array {
    return concatBytes(this.#parts.splice(0))
  }

  async until(isReached: () => boolean): Promise<void> {
    await this.sim.run({ until: isReached, limitMs: 60_000 })
  }

  /** The failure that these ranges end in: scope and code. */
  async failureOf(...ranges: WebRange[]): Promise<string> {
    this.stream.ask(ranges)
    await this.until(() => this.failures.length > 0)
    if (!this.stream.isIdle) throw new Error('After a failure it goes on')
    const { scope, code } = this.failures.shift()!
    return `${scope} ${code}`
  }
}

function range(url: string, offset = 0, length = SIZE, fileLength = SIZE): WebRange {
  return { url, offset, length, fileLength }
}

const TWO = new Map([
  ['/a', file(1)],
  ['/b', file(2)],
])

test('ranges of several files come in order, over one connection, without a pause between', async () => {
  const world = new World()
  const server = world.serve('10.0.0.2', serveFiles(TWO))
  const asked = [
    range(`${server.url}/a`, 10, 50_000),
    range(`${server.url}/b`),
    range(`${server.url}/a`, 99_999, 1),
    range(`${server.url}/b`, 5, 5),
  ]
  world.stream.ask(asked)
  await world.until(() => world.done === 4)
  const [a, b] = [file(1), file(2)]
  expect(
    equalBytes(world.taken(), concatBytes([a.subarray(10, 50_010), b, a.subarray(99_999), b.subarray(5, 10)])),
  ).toBe(true)
  expect(server.met).toBe(1)
  expect(server.requests.map(({ headers }) => headers.range)).toEqual([
    'bytes=10-50009',
    'bytes=0-99999',
    'bytes=99999-99999',
    'bytes=5-9',
  ])
  expect(server.requests[0].headers).toMatchObject({ 'user-agent': 'Test/1', 'accept-encoding': 'identity' })
  expect(server.requests[0].headers.authorization).toBe(undefined)
  world.stream.close()
})

test('a name is looked up, and sent; credentials are, too', async () => {
  const world = new World()
  const server = world.serve('10.0.0.2', serveFiles(TWO))
  world.sim.addName('mirror.example', '10.0.0.2')
  world.stream.ask([range('http://u%20ser:p%40ss@mirror.example/a')])
  await world.until(() => world.done === 1)
  const { host, authorization } = server.requests[0].headers
  expect(host).toBe('mirror.example')
  expect(authorization).toBe(`Basic ${Buffer.from('u ser:p@ss').toString('base64')}`)
})

test('of a name with several IPs the next is dialled where one does not answer', async () => {
  const world = new World()
  world.serve('10.0.0.2', serveFiles(TWO))
  world.sim.node('10.0.0.3')
  world.sim.addName('mirror.example', '10.0.0.3', '10.0.0.2')
  world.stream.ask([range('http://mirror.example/a')])
  await world.until(() => world.done === 1)
  expect(world.failures).toEqual([])
})

test('an IP of a name that swallows everything has four seconds, and after that the next; then it is dialled last', async () => {
  const world = new World()
  const whole = serveFiles(TWO)
  const server = world.serve('10.0.0.2', (request) => ({ ...whole(request), closes: true }))
  const holes = ['10.0.0.3', '10.0.0.4'].map((ip) => world.sim.node(ip))
  world.sim.partition([world.client], holes)
  world.sim.addName('mirror.example', '10.0.0.3', '10.0.0.4', '10.0.0.2')
  world.stream.ask([range('http://mirror.example/a')])
  await world.until(() => world.done === 1)
  expect(world.sim.nowMs).toBeGreaterThan(8000)
  expect(world.sim.nowMs).toBeLessThan(9000)
  world.stream.ask([range('http://mirror.example/b')])
  await world.until(() => world.done === 2)
  expect(world.sim.nowMs).toBeLessThan(10_000)
  expect([world.failures, server.met]).toEqual([[], 2])
})

test('an IP of a name that takes connections and says nothing is not the first again', async () => {
  const world = new World()
  world.serve('10.0.0.3', () => null)
  world.serve('10.0.0.2', serveFiles(TWO))
  world.sim.addName('mirror.example', '10.0.0.3', '10.0.0.2')
  expect(await world.failureOf(range('http://mirror.example/a'))).toBe('for-now timed_out')
  world.stream.ask([range('http://mirror.example/a')])
  await world.until(() => world.done === 1)
})

test('a server that sends less than it was asked for is asked for the rest', async () => {
  const world = new World()
  const whole = serveFiles(TWO)
  const server = world.serve('10.0.0.2', (request) => {
    const { from, to } = request.range!
    return whole({ ...request, range: { from, to: Math.min(to, from + 30_000) } })
  })
  world.stream.ask([range(`${server.url}/a`), range(`${server.url}/b`)])
  await world.until(() => world.done === 2)
  expect(equalBytes(world.taken(), concatBytes([file(1), file(2)]))).toBe(true)
  expect(world.failures).toEqual([])
})

test('a connection that was closed after an answer is replaced, said or not', async () => {
  for (const headers of [{}, { Connection: 'close' }] as Record<string, string>[]) {
    const world = new World()
    const whole = serveFiles(TWO)
    const server = world.serve('10.0.0.2', (request) => {
      const answer = whole(request)
      return { ...answer, headers: { ...answer.headers, ...headers }, closes: true }
    })
    const url = `${server.url}/a`
    world.stream.ask([0, 1, 2, 3, 4].map((i) => range(url, i * 1000, 1000)))
    await world.until(() => world.done === 5)
    expect(equalBytes(world.taken(), file(1).subarray(0, 5000))).toBe(true)
    expect(world.failures).toEqual([])
  }
})

test('a server that breaks off after a good part of an answer is asked for the rest at once', async () => {
  const world = new World()
  const large = new Map([['/a', file(1, 1_000_000)]])
  const server = world.serve('10.0.0.2', (request) => {
    const answer = serveFiles(large)(request)
    const { body } = answer
    const headers = { ...answer.headers, 'Content-Length': String(body!.length) }
    return { ...answer, headers, body: body!.slice(0, 300_000), closes: true }
  })
  world.stream.ask([range(`${server.url}/a`, 0, 1_000_000, 1_000_000)])
  await world.until(() => world.done === 1)
  expect(equalBytes(world.taken(), file(1, 1_000_000))).toBe(true)
  expect(server.requests.map(({ range: asked }) => asked!.from)).toEqual([0, 300_000, 600_000, 900_000])
  expect(world.failures).toEqual([])
})

test('a server that knows whole files alone sends a small one again where the connection broke', async () => {
  const world = new World()
  const large = file(1, 1_000_000)
  let answers = 0
  const server = world.serve('10.0.0.2', () => {
    const headers = { 'Content-Length': String(large.length) }
    if (++answers > 1) return { status: 200, headers, body: large }
    return { status: 200, headers, body: large.slice(0, 300_000), closes: true }
  })
  world.stream.ask([range(`${server.url}/a`, 0, 1_000_000, 1_000_000)])
  await world.until(() => world.done === 1)
  expect(equalBytes(world.taken(), large)).toBe(true)
  expect(world.failures).toEqual([])
})

test('a live connection is not given up for one that is closed', async () => {
  const world = new World()
  const whole = serveFiles(TWO)
  const mirror = world.serve('10.0.0.3', (request) => ({ ...whole(request), closes: true }))
  const server = world.serve('10.0.0.2', ({ target }) => ({
    status: 302,
    headers: { Location: `${mirror.url}${target}` },
  }))
  for (const [i, target] of ['/a', '/b', '/a'].entries()) {
    world.stream.ask([range(`${server.url}${target}`)])
    await world.until(() => world.done > i)
    await world.sim.run({ untilMs: world.sim.nowMs + 1000 })
  }
  expect([server.requests.length, server.met]).toEqual([3, 1])
})

test('what is asked for in the middle of an answer comes after it, and abort ends it all', async () => {
  const world = new World()
  const server = world.serve('10.0.0.2', serveFiles(TWO))
  world.onRangeDone = () => {
    if (world.done === 1) world.stream.ask([range(`${server.url}/b`, 0, 10)])
    if (world.done === 2) world.stream.abort()
  }
  world.stream.ask([range(`${server.url}/a`, 0, 10)])
  await world.until(() => world.done === 2)
  world.stream.ask([range(`${server.url}/b`, 50, 10)])
  await world.until(() => world.done === 3)
  expect(equalBytes(world.taken(), concatBytes([file(1, 10), file(2, 10), file(2).subarray(50, 60)]))).toBe(true)
})

describe('redirects', () => {
  const redirect = (location: string): WebAnswer => ({ status: 302, headers: { Location: location } })

  test('are followed, and remembered for the file', async () => {
    const world = new World()
    const mirror = world.serve('10.0.0.3', serveFiles(new Map([['/m/a', file(1)]])))
    const server = world.serve('10.0.0.2', ({ target }) => redirect(`${mirror.url}/m${target}`))
    world.stream.ask([range(`${server.url}/a`, 0, 500), range(`${server.url}/a`, 500, 500)])
    await world.until(() => world.done === 2)
    expect(equalBytes(world.taken(), file(1, 1000))).toBe(true)
    expect(server.requests.length).toBe(1)
    expect(mirror.requests.length).toBe(2)
  })

  test('are remembered while nothing is asked for, until the connection is closed', async () => {
    const world = new World()
    const mirror = world.serve('10.0.0.3', serveFiles(TWO))
    const server = world.serve('10.0.0.2', ({ target }) => redirect(`${mirror.url}${target}`))
    for (let i = 0; i < 3; i++) {
      world.stream.ask([range(`${server.url}/a`, 500 * i, 500)])
      await world.until(() => world.done === i + 1)
    }
    expect(server.requests.length).toBe(1)
    await world.until(() => world.client.connections === 0)
    world.stream.ask([range(`${server.url}/a`, 0, 500)])
    await world.until(() => world.done === 4)
    expect(server.requests.length).toBe(2)
  })

  test('to a server whose connections break off are asked for anew, once, and are no endless chain', async () => {
    const world = new World()
    const mirror = world.serve('10.0.0.3', () => ({
      status: 206,
      headers: { 'Content-Range': `bytes 0-${SIZE - 1}/${SIZE}`, 'Content-Length': String(SIZE) },
      body: file(1, 0),
      closes: true,
    }))
    const server = world.serve('10.0.0.2', ({ target }) => redirect(`${mirror.url}${target}`))
    expect(await world.failureOf(range(`${server.url}/a`))).toBe('for-now bad_response')
    expect(server.requests.length).toBe(2)
  })

  test('that change with each range, and bring content, are not counted together', async () => {
    const world = new World()
    const whole = serveFiles(TWO)
    let key = 0
    const mirror = world.serve('10.0.0.3', (request) => {
      const [target, used] = request.target.split('?')
      return Number(used) === key ? whole({ ...request, target }) : redirect(`${target}?${key}`)
    })
    world.onRangeDone = () => key++
    world.stream.ask(Array.from({ length: 12 }, (_, i) => range(`${mirror.url}/a`, 1000 * i, 1000)))
    await world.until(() => world.done === 12)
    expect(equalBytes(world.taken(), file(1).subarray(0, 12_000))).toBe(true)
  })

  test('that do not hold any more are asked for anew', async () => {
    const world = new World()
    let key = 1
    const mirror = world.serve('10.0.0.3', (request) =>
      request.target === `/a?key=${key}` ? serveFiles(new Map([[request.target, file(1)]]))(request) : { status: 403 },
    )
    const server = world.serve('10.0.0.2', ({ target }) => redirect(`${mirror.url}${target}?key=${key}`))
    world.onRangeDone = () => key++
    world.stream.ask([range(`${server.url}/a`, 0, 500), range(`${server.url}/a`, 500, 500)])
    await world.until(() => world.done === 2)
    expect(equalBytes(world.taken(), file(1, 1000))).toBe(true)
    expect(world.failures).toEqual([])
  })

  test('without end are given up after five', async () => {
    const world = new World()
    const server = world.serve('10.0.0.2', ({ target }) => redirect(`${target}x`))
    expect(await world.failureOf(range(`${server.url}/a`))).toBe('for-good too_many_redirects')
    expect(server.requests.length).toBe(6)
  })

  test('to other protocols are not followed', async () => {
    const world = new World()
    const server = world.serve('10.0.0.2', () => redirect('ftp://10.0.0.2/a'))
    expect(await world.failureOf(range(`${server.url}/a`))).toBe('for-good unsupported_url')
  })

  test('never lead from the internet into the local network, by IP or by name', async () => {
    const world = new World()
    const router = world.serve('192.168.1.1', serveFiles(TWO))
    world.sim.addName('inside.example', '192.168.1.1')
    const behind = world.serve('9.0.0.2', () => redirect('http://inside.example/a'))
    for (const to of ['http://192.168.1.1/a', 'http://127.0.0.1/a', 'http://inside.example/a', `${behind.url}/a`]) {
      const server = world.serve(`9.0.1.${to.length}`, () => redirect(to))
      expect(await world.failureOf(range(`${server.url}/a`))).toBe('for-good unsafe_redirect')
    }
    expect(router.met).toBe(0)
    // Among machines of the local network that is no matter.
    const near = world.serve('10.0.0.2', () => redirect('http://inside.example/a'))
    world.stream.ask([range(`${near.url}/a`)])
    await world.until(() => world.done === 1)
  })

  test('of a name that leads into the internet and into the local network only the former is dialled', async () => {
    const world = new World()
    const router = world.serve('192.168.1.1', serveFiles(TWO))
    world.serve('9.0.0.2', serveFiles(TWO))
    world.sim.addName('both.example', '192.168.1.1', '9.0.0.2')
    const server = world.serve('9.0.0.3', () => redirect('http://both.example/a'))
    world.stream.ask([range(`${server.url}/a`)])
    await world.until(() => world.done === 1)
    expect(router.met).toBe(0)
  })
})

test('with a query, what a stranger names must be in the internet, by IP or by name', async () => {
  const world = new World(false)
  const router = world.serve('192.168.1.1', serveFiles(new Map([...TWO, ['/a?dns=6.6.6.6', file(1)]])))
  const mirror = world.serve('9.0.0.2', serveFiles(new Map([['/a?key=1', file(1)]])))
  world.sim.addName('inside.example', '192.168.1.1')
  world.sim.addName('mirror.example', '192.168.1.1', '9.0.0.2')
  for (const host of ['192.168.1.1', 'inside.example'])
    expect(await world.failureOf(range(`http://${host}/a?dns=6.6.6.6`))).toBe('for-now unsafe_url')
  expect(router.met).toBe(0)
  world.stream.ask([range('http://mirror.example/a?key=1'), range('http://inside.example/a')])
  await world.until(() => world.done === 2)
  expect([mirror.requests.length, router.requests.length]).toEqual([1, 1])

  const own = new World(true)
  const box = own.serve('192.168.1.1', serveFiles(new Map([['/a?key=1', file(1)]])))
  own.stream.ask([range(`${box.url}/a?key=1`)])
  await own.until(() => own.done === 1)
})

describe('trouble', () => {
  test.each<[string, WebAnswer | null, string]>([
    ['no such file', { status: 404 }, 'file http_404'],
    ['too busy', { status: 503 }, 'for-now http_503'],
    ['the whole file instead of a part', { status: 200, body: file(1) }, 'for-good no_ranges'],
    ['a file of another size', { status: 200, body: file(1, 50) }, 'file wrong_size'],
    ['silence', null, 'for-now timed_out'],
    [
      'an answer that stalls',
      { status: 206, headers: { 'Content-Range': 'bytes 1-99999/100000' }, body: file(1).slice(1), stallsAfter: 9000 },
      'for-now timed_out',
    ],
    [
      'an answer that is shorter than it says',
      {
        status: 206,
        headers: { 'Content-Range': 'bytes 1-99999/100000', 'Content-Length': '99999' },
        body: file(1, 9000),
        closes: true,
      },
      'for-now bad_response',
    ],
    [
      'a body that is longer than its range',
      { status: 206, headers: { 'Content-Range': 'bytes 1-50/100000' }, body: file(1) },
      'file wrong_size',
    ],
    [
      'a body that is shorter than its range',
      { status: 206, headers: { 'Content-Range': 'bytes 1-99999/100000' }, body: file(1, 50) },
      'for-now closed',
    ],
  ])('%s', async (_, answer, failure) => {
    const world = new World()
    const server = world.serve('10.0.0.2', () => answer)
    expect(await world.failureOf(range(`${server.url}/a`, 1, SIZE - 1))).toBe(failure)
    expect(world.taken().length).toBeLessThan(SIZE)
  })

  test('nobody listens, nobody knows the name, the URL is none', async () => {
    const world = new World()
    world.sim.node('10.0.0.3')
    expect(await world.failureOf(range('http://10.0.0.3/a'))).toBe('for-now econnrefused')
    expect(await world.failureOf(range('http://no.such.name/a'))).toBe('for-now name_not_found')
    expect(await world.failureOf(range('ftp://10.0.0.3/a'))).toBe('for-good unsupported_url')
  })

  test('after a failure it can be asked again', async () => {
    const world = new World()
    let isBusy = true
    const server = world.serve('10.0.0.2', (request) => (isBusy ? { status: 503 } : serveFiles(TWO)(request)))
    expect(await world.failureOf(range(`${server.url}/a`), range(`${server.url}/b`))).toBe('for-now http_503')
    isBusy = false
    world.stream.ask([range(`${server.url}/b`)])
    await world.until(() => world.done === 1)
    expect(equalBytes(world.taken(), file(2))).toBe(true)
  })

  test('an idle connection is closed after a while', async () => {
    const world = new World()
    const server = world.serve('10.0.0.2', serveFiles(TWO))
    world.stream.ask([range(`${server.url}/a`)])
    await world.until(() => world.done === 1)
    expect(world.client.connections).toBe(1)
    await world.until(() => world.client.connections === 0)
  })
})
