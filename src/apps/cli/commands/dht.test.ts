// `shoal dht` against real nodes on loopback, which know nobody else.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FakeCli } from '../../../../tests/support/fake-cli.ts'
import { addressKey } from '../../../base/address.ts'
import { openDht, parseMagnet, type Dht } from '../../../index.ts'

const INFOHASH = 'ab'.repeat(20)
const LOOPBACK = '127.0.0.1'

/** A few nodes that know each other; returns where they are entered. */
async function network(count = 9): Promise<string> {
  const nodes: Dht[] = []
  for (let i = 0; i < count; i++) {
    const node = await openDht({ bind: LOOPBACK, routers: i === 0 ? [] : [addressOf(nodes[0])] })
    nodes.push(node)
    onTestFinished(() => node.close())
    if (i > 0) await node.joined()
  }
  return addressOf(nodes[0])
}

function addressOf(node: Dht): string {
  return addressKey(node.status[0].address)
}

/** Runs it once, read-only, entering there. */
async function dht(router: string, ...args: string[]): Promise<{ code: number; cli: FakeCli }> {
  const cli = new FakeCli({ openDht, parseMagnet })
  const code = await cli.run('dht', ...args, '--bind', LOOPBACK, '--dht-router', router, '--no-state')
  return { code, cli }
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'shoal-dht-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

test('ping says who answers, and where it sees us', async () => {
  const router = await network(1)
  const { code, cli } = await dht(router, 'ping', router)
  expect(code).toBe(0)
  expect(cli.stdout.text).toMatch(/^[0-9a-f]{40}\n$/)
  expect(cli.stderr.text).toMatch(/^127\.0\.0\.1:\d+ answered within \d+ ms; it sees us at 127\.0\.0\.1:\d+\n$/)
  const { cli: again } = await dht(router, 'ping', router, '--json')
  expect(JSON.parse(again.stdout.text)).toMatchObject({ address: router, id: cli.stdout.lines[0] })
})

test('what is announced is found, by infohash and by magnet link', async () => {
  const router = await network()
  const nobody = await dht(router, 'peers', INFOHASH)
  expect([nobody.code, nobody.cli.stdout.text]).toEqual([1, ''])
  const announced = await dht(router, 'peers', INFOHASH, '--announce', '7000')
  expect(announced.code).toBe(0)
  expect(announced.cli.stderr.text).toMatch(/^0 peers from \d+ nodes; announced to 8 nodes\n$/)
  const found = await dht(router, 'peers', `magnet:?xt=urn:btih:${INFOHASH}`, '--json')
  expect(found.code).toBe(0)
  expect(JSON.parse(found.cli.stdout.text)).toEqual({
    peers: ['127.0.0.1:7000'],
    asked: expect.any(Number) as number,
    announced_to: 0,
    swarm: { seeds: 0, peers: 1 },
  })
  const sampled = await dht(router, 'sample')
  expect([sampled.code, sampled.cli.stdout.text]).toEqual([0, `${INFOHASH}\n`])
})

test('the nodes closest to an id are found', async () => {
  const { code, cli } = await dht(await network(), 'find', INFOHASH)
  expect(code).toBe(0)
  expect(cli.stdout.lines).toHaveLength(8)
  for (const line of cli.stdout.lines) expect(line).toMatch(/^[0-9a-f]{40} 127\.0\.0\.1:\d+$/)
})

describe('items', () => {
  test('a text is put, and got by what put says', async () => {
    const router = await network()
    const put = await dht(router, 'put', 'Hello \u001b[2J')
    expect(put.code).toBe(0)
    const [target] = put.cli.stdout.lines
    expect(put.cli.stderr.text).toBe(`8 nodes will keep it for two hours: shoal dht get ${target}\n`)
    const got = await dht(router, 'get', target)
    expect([got.code, got.cli.stdout.text, got.cli.stderr.text]).toEqual([0, 'Hello \ufffd[2J\n', ''])
    const json = await dht(router, 'get', target, '--json')
    expect(JSON.parse(json.cli.stdout.text)).toMatchObject({ item: { target, seq: null, copies: null } })
    const nothing = await dht(router, 'get', INFOHASH, '--json')
    expect([nothing.code, nothing.cli.stdout.text]).toEqual([1, '{"item":null}\n'])
  })

  test('an item that is signed changes, under a key that is made once, for its owner alone', async () => {
    const router = await network()
    const keyFile = join(await folder(), 'my.key')
    const first = await dht(router, 'put', 'one', '--key-file', keyFile, '--salt', 'news', '--json')
    const { key, seq, stored_by } = JSON.parse(first.cli.stdout.text) as { key: string; seq: number; stored_by: number }
    expect([seq, stored_by]).toEqual([0, 8])
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
    const made = await readFile(keyFile, 'utf8')
    const second = await dht(router, 'put', 'two', '--key-file', keyFile, '--salt', 'news')
    expect(second.cli.stderr.text).toContain(`shoal dht get --key ${key} --salt 'news'`)
    expect(await readFile(keyFile, 'utf8')).toBe(made)
    const got = await dht(router, 'get', '--key', key, '--salt', 'news', '--json')
    expect(JSON.parse(got.cli.stdout.text)).toMatchObject({ item: { text: 'two', seq: 1, key, copies: 8 } })
    const old = await dht(router, 'put', 'zero', '--key-file', keyFile, '--salt', 'news', '--seq', '0')
    expect([old.code, old.cli.stderr.text]).toEqual([1, 'Nobody keeps it: a newer value is there (302)\n'])
  })
})

test('a version that JSON numbers do not hold is told as text', async () => {
  const router = await network()
  const owner = await openDht({ bind: LOOPBACK, routers: [router], isReadOnly: true })
  await owner.joined()
  const { key } = await owner.put(new Uint8Array(1), { secret: new Uint8Array(32).fill(5), seq: 2n ** 53n + 1n })
  const { cli } = await dht(router, 'get', '--key', key!, '--json')
  expect(JSON.parse(cli.stdout.text)).toMatchObject({ item: { key, seq: '9007199254740993' } })
  await owner.close()
  await expect(owner.joined()).rejects.toMatchObject({ code: 'closed' })
})

test('a link of version 2 alone is refused before anybody is asked', async () => {
  const link = `magnet:?xt=urn:btmh:1220${'ab'.repeat(32)}`
  const cli = new FakeCli({ openDht: () => expect.unreachable(), parseMagnet })
  expect(await cli.run('dht', 'peers', link)).toBe(1)
  expect(cli.stderr.text).toContain('version 2 alone')
})

test('a node that serves says where, how it is doing, and ends with 0', async () => {
  const cli = new FakeCli({ openDht })
  const router = await network(2)
  const args = ['dht', 'serve', '--bind', LOOPBACK, '--port', '0', '--dht-router', router, '--no-state', '--json']
  const code = cli.run(...args)
  await expect.poll(() => cli.stdout.lines.length, { timeout: 20_000 }).toBe(2)
  expect(cli.events[1]).toMatchObject({ event: 'status', networks: [{ family: 4, nodes: 2, peers: 0, items: 0 }] })
  cli.stop.request('SIGTERM')
  expect(await code).toBe(0)
})

test('nobody there is a failure; one who is not asked anything is wrong usage', async () => {
  const { code, cli } = await dht('127.0.0.1:9', 'ping', '127.0.0.1:9')
  expect([code, cli.stderr.text]).toEqual([1, 'shoal: Cannot ask 127.0.0.1, port 9: no answer\n'])
  for (const args of [['find'], ['find', 'x'], ['get'], ['put'], ['serve', 'x'], ['put', 'x', '--seq', '3'], ['fly']])
    expect([args, (await dht('127.0.0.1:9', ...args)).code]).toEqual([args, 2])
})
