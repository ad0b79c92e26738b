// BEP 27: a private torrent uses its trackers and nothing else. Shoal runs with its default options in a network of the test's
// own, where everybody listens, offers peers by every other way, and all that leaves the machine is captured.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { expect, test, type TestContext } from 'vitest'
import { python } from '../support/clients/libtorrent.ts'
import { CURIOUS_TORRENT } from '../support/curious-torrent.ts'
import { NetSpace, NoNamespaces } from '../support/net-space.ts'
import type { Program } from '../support/program.ts'
import { runShoal, type Shoal, startShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'

const WORLD = '10.1.0.1'
const TRACKER = `${WORLD}:7000`
const SEED = `${WORLD}:7001`
/** Runs TypeScript, from whatever folder. */
const TSX = createRequire(import.meta.url).resolve('tsx')
/** Ways to find peers beside trackers, where this build has them: each can be switched off. */
const WAYS = ['dht', 'pex', 'lsd'] as const

interface Heard {
  readonly ear: string
  readonly what: string
}

class Scene {
  readonly stage: Stage
  readonly world: Program
  /** All that the world was told. */
  readonly heard: readonly Heard[]
  /** Whom packets went to that ask for a connection, or ask for none: `tcp 10.1.0.1:7000`. */
  readonly addressees: ReadonlySet<string>
  readonly shoal: Shoal

  private constructor(scene: Omit<Scene, 'all' | 'announces'>) {
    this.stage = scene.stage
    this.world = scene.world
    this.heard = scene.heard
    this.addressees = scene.addressees
    this.shoal = scene.shoal
  }

  /** Shoal downloads the torrent, with its default options, and goes on to seed. */
  static async set(context: TestContext, kind: 'private' | 'public', ways: readonly string[]): Promise<Scene> {
    const stage = openStage(context)
    const space = await NetSpace.open(stage).catch((error: unknown) => {
      if (!(error instanceof NoNamespaces)) throw error
      return context.skip(`the kernel gives no network namespaces here: ${error.message}`)
    })
    const heard: Heard[] = []
    const addressees = new Set<string>()
    const worldScript = fileURLToPath(new URL('../support/curious-world.ts', import.meta.url))
    const world = stage.start(
      'curious world',
      [...space.world, process.execPath, '--import', TSX, worldScript, WORLD, kind],
      {
        onLine: (line, stream) => {
          if (stream === 'stdout') heard.push(JSON.parse(line) as Heard)
        },
      },
    )
    await world.line(/"ready"/)
    const captureScript = fileURLToPath(new URL('../support/capture.py', import.meta.url))
    const capture = stage.start('capture', [...space.machine, python, captureScript], {
      onLine: (line) => {
        const [, , protocol, , ip, port, opens] = line.split(' ')
        if (opens === 'opens') addressees.add(`${protocol} ${ip.includes(':') ? `[${ip}]` : ip}:${port}`)
      },
    })
    await capture.line(/^capturing$/)
    // Names of routers are looked up out there, where nobody answers.
    const resolvConf = stage.file('resolv.conf', `nameserver ${WORLD}\n`)
    await space.onMachine(`mount --bind ${resolvConf} /etc/resolv.conf`)

    const torrent = stage.torrentFile(CURIOUS_TORRENT[kind], [`http://${TRACKER}/announce`])
    const folder = stage.folder('downloaded')
    const router = ways.includes('dht') ? ['--dht-router', `${WORLD}:7002`] : []
    const args = ['download', torrent, '-o', folder, '--seed', '--json', ...router]
    const shoal = startShoal(stage, args, {}, space.machine)
    await shoal.event('seeding')
    return new Scene({ stage, world, heard, addressees, shoal })
  }

  /** What an ear was told. */
  all(ear: string): string[] {
    return this.heard.filter((heard) => heard.ear === ear).map(({ what }) => what)
  }

  /** Waits until the tracker has been told of all that goes by itself, and once more in its interval of 30 s. */
  async announces(): Promise<void> {
    const isRegular = (what: string): boolean => !what.includes('event=')
    await this.world.until('a regular announce', () => this.all('tracker').some(isRegular), 90_000)
  }
}

async function waysHere(stage: Stage): Promise<string[]> {
  const { stdout } = await runShoal(stage, ['download', '--help'])
  return WAYS.filter((way) => stdout.includes(`--no-${way}`))
}

test('of a private torrent nobody hears but its tracker, and the peers that this names', async (context) => {
  const ways = await waysHere(openStage(context))
  const scene = await Scene.set(context, 'private', ways)
  await scene.announces()
  scene.shoal.program.signal('SIGINT')
  expect(await scene.shoal.exited).toMatchObject({ code: 0 })

  expect([...scene.addressees].sort()).toEqual([`tcp ${TRACKER}`, `tcp ${SEED}`])
  expect(new Set(scene.all('seed'))).toEqual(new Set(['does not know the DHT', 'does not want PEX']))
  for (const way of WAYS) expect(scene.all(way)).toEqual([])
  expect(scene.all('tracker').at(-1)).toContain('event=stopped')
})

test('of a public torrent they all hear, by each way that there is', async (context) => {
  const ways = await waysHere(openStage(context))
  if (ways.length === 0) return context.skip('trackers are the only way to find peers so far')
  const scene = await Scene.set(context, 'public', ways)
  for (const way of ways) await scene.world.until(`${way} is heard of`, () => scene.all(way).length > 0, 90_000)
  const offers = [...(ways.includes('dht') ? ['knows the DHT'] : []), ...(ways.includes('pex') ? ['wants PEX'] : [])]
  expect(scene.all('seed')).toEqual(expect.arrayContaining(offers))
})
