// `--bind INTERFACE` on a machine that has another way to everywhere: whatever happens to the interface, no packet of ours has
// another source. In network namespaces of the test's own; what leaves the machine is captured there.
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { python } from '../support/clients/libtorrent.ts'
import { NetSpace, NoNamespaces } from '../support/net-space.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { type Shoal, startShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { pause, until } from '../support/wait.ts'

const MIB = 1 << 20
const TIMEOUT = { timeout: 150_000 }
const payload = Payload.file('bound', 12 * MIB)
const torrent = makeTorrent(payload, 256 * 1024)

/** What left the machine: a new kind of packet, or one that opens something. */
interface Sent {
  readonly at: number
  readonly interface: string
  readonly source: string
  readonly port: number
  readonly opens: boolean
}

const FIRST_MARK = 60_000
const isMark = ({ interface: name, port }: Sent): boolean => name === 'lo' && port >= FIRST_MARK

class Scene {
  readonly stage: Stage
  readonly space: NetSpace
  readonly #sent: Sent[] = []
  #marks = 0
  /** Whom the name server was asked by. */
  readonly askers: string[] = []
  #tracker = ''

  private constructor(stage: Stage, space: NetSpace) {
    this.stage = stage
    this.space = space
  }

  /** A seeder and a tracker out in the world, known by the tracker's name alone. */
  static async set(context: Parameters<typeof openStage>[0]): Promise<Scene> {
    const stage = openStage(context)
    const space = await NetSpace.open(stage).catch((error: unknown) => {
      if (!(error instanceof NoNamespaces)) throw error
      return context.skip(`the kernel gives no network namespaces here: ${error.message}`)
    })
    const scene = new Scene(stage, space)
    await scene.#startCapture()
    await scene.#startNameServer()
    const tracker = startShoal(stage, ['tracker', '--port', '7000'], {}, space.world)
    await tracker.program.line(/7000/)
    scene.#tracker = 'http://tracker.test:7000/announce'
    await scene.startSeeder(7001)
    return scene
  }

  async #startCapture(): Promise<void> {
    const script = fileURLToPath(new URL('../support/capture.py', import.meta.url))
    const onLine = (line: string): void => {
      const [at, name, , source, , port, opens] = line.split(' ')
      if (source)
        this.#sent.push({ at: Number(at), interface: name, source, port: Number(port), opens: opens === 'opens' })
    }
    const capture = this.stage.start('capture', [...this.space.machine, python, script], { onLine })
    await capture.line(/^capturing$/)
  }

  /** The machine's resolver is one that is reached by the other interface, unless it is asked from a certain address. */
  async #startNameServer(): Promise<void> {
    const script = fileURLToPath(new URL('../support/name-server.mjs', import.meta.url))
    const onLine = (line: string): void => {
      if (line.startsWith('asked')) this.askers.push(line.split(' ')[1])
    }
    const argv = [
      ...this.space.world,
      process.execPath,
      script,
      'tracker.test',
      '10.3.0.1',
      'fd03::1',
      '10.1.0.1',
      'fd01::1',
    ]
    const server = this.stage.start('name server', argv, { onLine })
    await server.line(/^listening 10\.1\.0\.1$/)
    await this.useServers('10.1.0.1', 'fd01::1')
  }

  /** Whom the machine asks for names. */
  async useServers(...ips: readonly string[]): Promise<void> {
    const resolvConf = this.stage.file('resolv.conf', ips.map((ip) => `nameserver ${ip}\n`).join(''))
    await this.space.onMachine(`mount --bind ${resolvConf} /etc/resolv.conf`)
  }

  /** It is known to the tracker as 10.3.0.1, and as fd03::1. */
  async startSeeder(port: number): Promise<void> {
    const complete = this.stage.folder('complete')
    payload.write(complete)
    const trackers = ['http://10.3.0.1:7000/announce', 'http://[fd03::1]:7000/announce']
    const file = this.stage.torrentFile(torrent, trackers)
    const args = ['seed', file, complete, '--json', '--bind', 'lo', '--port', String(port), '--up-rate', '1M']
    const seeder = startShoal(this.stage, args, {}, this.space.world)
    await seeder.event('seeding')
  }

  /** Asks the tracker who is there. */
  async peers(...more: readonly string[]): Promise<void> {
    const file = this.stage.torrentFile(torrent, [this.#tracker])
    const { program } = startShoal(this.stage, ['peers', file, ...more], {}, this.space.machine)
    await program.line(/^10\.3\.0\.1:7001$/)
    await program.exited
  }

  download(bind: string, ...more: readonly string[]): { shoal: Shoal; folder: string } {
    const folder = this.stage.folder('downloaded')
    const trackers = [this.#tracker, 'udp://tracker.test:7002/announce']
    const file = this.stage.torrentFile(torrent, trackers)
    const args = ['download', file, '-o', folder, '--json', '--bind', bind, '--port', '0', ...more]
    return { shoal: startShoal(this.stage, args, {}, this.space.machine), folder }
  }

  /** Everything that left so far. The capture is a moment behind: a packet of the test's own shows that it has seen the others. */
  async sent(): Promise<readonly Sent[]> {
    const port = FIRST_MARK + this.#marks++
    const send = `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", ${port}))`
    await this.space.onMachine(`${python} -c '${send}'`)
    await until('all is captured', () => this.#sent.some((packet) => isMark(packet) && packet.port === port))
    return this.#sent.filter((packet) => !isMark(packet))
  }

  async sources(): Promise<string[]> {
    return [...new Set((await this.sent()).map(({ source }) => source))].sort()
  }
}

/** Waits until so much has come. */
function downloaded(shoal: Shoal, mib: number): Promise<unknown> {
  return shoal.event('progress', (event) => Number(event.downloaded) >= mib * MIB, 60_000)
}

/** Waits until it has missed what it is bound to so many times. */
function missed(shoal: Shoal, times: number): Promise<unknown> {
  const warnings = (): unknown[] => shoal.all('warning').filter(({ code }) => code === 'bind_gone')
  return shoal.program.until(`misses its interface (${times})`, () => warnings().length >= times)
}

describe('bound to an interface', () => {
  test(
    'no packet has another source, also while it goes and comes back with another address',
    TIMEOUT,
    async (context) => {
      const scene = await Scene.set(context)
      const { space } = scene
      const { shoal, folder } = scene.download('wg0')
      expect((await shoal.event('listening')).address).toBe('10.2.0.2')
      await downloaded(shoal, 2)

      await space.onMachine('ip link set wg0 down')
      await missed(shoal, 1)
      const [goneAt, askers] = [Date.now(), scene.askers.length]
      const before = Number(shoal.all('progress').at(-1)!.downloaded)
      // Long enough for many dials and lookups.
      await pause(5_000)
      expect((await scene.sent()).filter(({ at, opens }) => opens && at > goneAt)).toEqual([])
      expect(scene.askers).toHaveLength(askers)
      expect(Number(shoal.all('progress').at(-1)!.downloaded)).toBeLessThan(before + 2 * MIB)

      await space.onMachine('ip link set wg0 up; ip addr add fd02::2/64 dev wg0 nodad')
      await downloaded(shoal, 5)
      await space.onMachine('ip addr flush dev wg0')
      await missed(shoal, 2)
      await space.onMachine('ip addr add 10.2.0.9/24 dev wg0')
      // The tracker tells this one where we are now, and it connects to us; the first one believes for a while that we are there still.
      await scene.startSeeder(7003)
      await shoal.finished()

      expect(payload.differences(folder)).toEqual([])
      expect(await scene.sources()).toEqual(['10.2.0.2', '10.2.0.9', 'fd02::2'])
      // Names were looked up from there, though the name server is reached by the other interface.
      expect(scene.askers).toEqual(expect.arrayContaining(['10.2.0.2', '10.2.0.9']))
      expect(await scene.sources()).toEqual(expect.arrayContaining(scene.askers))
      // Which way they took was the choice of routing: the world behind both interfaces is reached by the other one.
      expect((await scene.sent()).some((packet) => packet.interface === 'eth0')).toBe(true)
    },
  )

  test('with a route for its address, nothing leaves by another interface, either', TIMEOUT, async (context) => {
    const scene = await Scene.set(context)
    const { space } = scene
    const way =
      'ip route replace default via 10.2.0.1 dev wg0 table 2; ip -6 route replace default via fd02::1 dev wg0 table 2'
    await space.onMachine(`
      ip rule add from 10.2.0.0/24 table 2
      ip -6 rule add from fd02::/64 table 2
      ip route add unreachable default metric 9999 table 2
      ip -6 route add unreachable default metric 9999 table 2
      ${way}`)
    const { shoal, folder } = scene.download('wg0')
    await downloaded(shoal, 2)
    await space.onMachine('ip link set wg0 down')
    await missed(shoal, 1)
    await space.onMachine(`ip link set wg0 up; ip addr add fd02::2/64 dev wg0 nodad; ${way}`)
    await scene.startSeeder(7003)
    await shoal.finished()

    expect(payload.differences(folder)).toEqual([])
    expect(await scene.sources()).toEqual(['10.2.0.2', 'fd02::2'])
    expect(new Set((await scene.sent()).map((packet) => packet.interface))).toEqual(new Set(['wg0']))
  })
})

test('bound to an IP, only its family is used, and nothing but it', TIMEOUT, async (context) => {
  const scene = await Scene.set(context)
  const { shoal, folder } = scene.download('fd02::2', '--peer', 'tracker.test:7001', '--peer', '[fd03::1]:7001')
  await shoal.finished()
  expect(payload.differences(folder)).toEqual([])
  expect(await scene.sources()).toEqual(['fd02::2'])
  expect(new Set(scene.askers)).toEqual(new Set(['fd02::2']))
})

test('trackers are asked from the interface, too; without it, from where the way leads', TIMEOUT, async (context) => {
  const scene = await Scene.set(context)
  await scene.peers('--bind', 'wg0')
  expect(await scene.sources()).toEqual(['10.2.0.2', 'fd02::2'])
  await scene.peers()
  expect(await scene.sources()).toEqual(['10.1.0.2', '10.2.0.2', 'fd01::2', 'fd02::2'])
})

test(
  'the servers behind systemd-resolved are asked in its place, since it asks from anywhere',
  TIMEOUT,
  async (context) => {
    const scene = await Scene.set(context)
    await scene.useServers('127.0.0.53')
    await scene.space.onMachine(`
    mount -t tmpfs none /run
    mkdir -p /run/systemd/resolve
    echo nameserver fd01::1 > /run/systemd/resolve/resolv.conf`)
    await scene.peers('--bind', 'wg0')
    expect(new Set(scene.askers)).toEqual(new Set(['fd02::2']))
  },
)

test('groups are spoken to on the interface, from its addresses, and heard there', TIMEOUT, async (context) => {
  const scene = await Scene.set(context)
  const script = fileURLToPath(new URL('../support/multicast.mjs', import.meta.url))
  const member = scene.stage.start('member', [...scene.space.machine, process.execPath, script, 'wg0'])
  await member.line(/^heard 10\.2\.0\.2$/)
  await member.line(/^heard fd02::2$/)
  await member.exited
  expect((await scene.sent()).map(({ source, interface: name, port }) => [source, name, port])).toEqual([
    ['10.2.0.2', 'wg0', 6771],
    ['fd02::2', 'wg0', 6771],
  ])
})

test('what there is not cannot be bound to', TIMEOUT, async (context) => {
  const scene = await Scene.set(context)
  const { shoal } = scene.download('wg7')
  const { code, message } = await shoal.event('error')
  expect([code, message]).toEqual([
    'address_not_available',
    'Cannot bind to interface wg7: there is no such interface that has an address, but lo, eth0, wg0; ' +
      'choose an address of this machine with --bind',
  ])
})
