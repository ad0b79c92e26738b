// The DHT with others' nodes: those of the npm package bittorrent-dht find what `shoal dht` announces and puts, and the other way
// round; and a magnet link without anything else is enough where libtorrent or we have the content.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, type TestContext } from 'vitest'
import { clientsRequired } from '../support/clients/all.ts'
import { libtorrent, python } from '../support/clients/libtorrent.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import type { Program } from '../support/program.ts'
import { LOOPBACK, runShoal, seed, startShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'

const NPM_NODE = fileURLToPath(new URL('../interop/bittorrent-dht-node.mjs', import.meta.url))
const LIBTORRENT_NODES = fileURLToPath(new URL('../support/clients/libtorrent-dht.py', import.meta.url))
const PATIENCE_MS = 60_000
const INFOHASH = '5a'.repeat(20)
const isNpmLeftOut = !existsSync(new URL('../interop/node_modules/bittorrent-dht', import.meta.url)) && !clientsRequired
const isLibtorrentLeftOut = libtorrent.found() === null && !clientsRequired

/** `shoal dht serve` at this address; resolves when it listens. */
async function serve(stage: Stage, ip: string, port: number, router: string): Promise<void> {
  const args = ['dht', 'serve', '--bind', ip, '--port', String(port), '--dht-router', router, '--no-state']
  await startShoal(stage, args).program.line(new RegExp(`^${ip}:${port}$`), PATIENCE_MS)
}

/** A few of our nodes at addresses of their own; returns where they are entered. */
async function ourNodes(stage: Stage, count: number): Promise<string> {
  const port = await freePort()
  for (let i = 1; i <= count; i++) await serve(stage, `127.0.3.${i}`, port, `127.0.3.1:${port}`)
  return `127.0.3.1:${port}`
}

async function ask(program: Program, question: string): Promise<string> {
  const before = program.log.length
  program.say(question)
  const answer = (): string | undefined =>
    program.log.slice(before).match(/^.*?\b((?:announced|peers|put|signed|got|done)\b.*)$/m)?.[1]
  return program.until(question, answer, PATIENCE_MS)
}

test.skipIf(isNpmLeftOut)('bittorrent-dht of npm', { timeout: 3 * PATIENCE_MS }, async (context: TestContext) => {
  const stage = openStage(context)
  const router = await ourNodes(stage, 5)
  const npm = stage.start('bittorrent-dht', [process.execPath, NPM_NODE, '127.0.3.100', router])
  await npm.line(/^listening \d+$/, PATIENCE_MS)
  const shoal = async (...args: string[]): Promise<{ code: number; stdout: string }> => {
    const { code, stdout } = await runShoal(stage, ['dht', ...args, '--bind', '127.0.3.200', '--dht-router', router])
    return { code, stdout }
  }

  expect(await ask(npm, `announce ${INFOHASH} 4001`)).toBe('announced')
  expect(await shoal('peers', INFOHASH)).toEqual({ code: 0, stdout: '127.0.3.100:4001\n' })
  const other = 'a5'.repeat(20)
  expect((await shoal('peers', other, '--announce', '4002')).code).toBe(0)
  expect(await ask(npm, `lookup ${other}`)).toBe('peers 127.0.3.200:4002')

  const theirs = (await ask(npm, 'put from-npm')).split(' ')[1]
  expect(await shoal('get', theirs)).toEqual({ code: 0, stdout: 'from-npm\n' })
  const ours = (await shoal('put', 'from-shoal')).stdout.trim()
  expect(await ask(npm, `get ${ours}`)).toBe('got from-shoal')

  const theirKey = (await ask(npm, 'sign 3 news npm-three')).split(' ')[1]
  expect(await shoal('get', '--key', theirKey, '--salt', 'news')).toEqual({ code: 0, stdout: 'npm-three\n' })
  const keyFile = join(stage.root, 'owner.key')
  const signed = await shoal('put', 'shoal-seven', '--key-file', keyFile, '--salt', 'x', '--seq', '7', '--json')
  const { key } = JSON.parse(signed.stdout) as { key: string }
  expect(await ask(npm, `newest ${key} x`)).toBe('got shoal-seven')
})

const payload = Payload.file('dht content', 1 << 20)

test.skipIf(isLibtorrentLeftOut)(
  'a magnet link that the DHT alone knows about, from libtorrent and to it',
  { timeout: 4 * PATIENCE_MS },
  async (context: TestContext) => {
    const stage = openStage(context)
    const port = await freePort()
    const complete = stage.folder('complete')
    payload.write(complete)
    const content = makeTorrent(payload, 16_384)
    const torrent = stage.torrentFile(content)
    const router = await ourNodes(stage, 3)
    const [routerIp, routerPort] = router.split(':')
    const ips = ['127.0.2.1', '127.0.2.2', '127.0.2.3']
    const argv = [python, LIBTORRENT_NODES, String(port), routerIp, routerPort, ...ips]
    const theirs = stage.start('libtorrent DHT', argv, { env: { PYTHONUNBUFFERED: '1' } })
    await theirs.line(/^ready$/, PATIENCE_MS)
    const link = `magnet:?xt=urn:btih:${content.infohash.toString('hex')}`

    expect(await ask(theirs, `seed 0 ${torrent} ${complete}`)).toBe('announced')
    const folder = stage.folder('downloaded')
    // At an address of its own: libtorrent knows one peer of each.
    const args = ['download', link, '-o', folder, ...LOOPBACK, '--bind', '127.0.0.5', '--dht-router', router]
    const leecher = startShoal(stage, args)
    await leecher.finished(2 * PATIENCE_MS)
    expect(payload.differences(folder)).toEqual([])

    expect(await ask(theirs, `remove 0 ${link} .`)).toBe('done')
    const seeder = seed(stage, torrent, complete, '--dht-router', router)
    await seeder.event('seeding')
    const theirFolder = stage.folder('their download')
    expect(await ask(theirs, `leech 1 ${link} ${theirFolder}`)).toBe('done')
    expect(payload.differences(theirFolder)).toEqual([])
  },
)
