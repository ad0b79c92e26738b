// A machine with networks of its own, and the world that it is connected to: two network namespaces, and nothing else. No packet
// leaves them. (Linux, with unprivileged user namespaces or as root.)
//
//   machine: eth0 10.1.0.2, fd01::2 (the way to everywhere)   --   world: 10.1.0.1, fd01::1
//            wg0  10.2.0.2, fd02::2                            --          10.2.0.1, fd02::1; and behind both 10.3.0.1, fd03::1
import type { Program } from './program.ts'
import type { Stage } from './stage.ts'

const SYSCTLS = [
  // Addresses of IPv6 are of use at once, and answers may come by another way.
  'net/ipv6/conf/all/accept_dad=0',
  'net/ipv6/conf/default/accept_dad=0',
  'net/ipv4/conf/all/rp_filter=0',
  'net/ipv4/conf/default/rp_filter=0',
]

/** The kernel, or who runs it, does not allow them. */
export class NoNamespaces extends Error {
  override readonly name = 'NoNamespaces'
}

export class NetSpace {
  /** What to put before a command, so that it runs on the machine. */
  readonly machine: readonly string[]
  /** The same for the world around it. */
  readonly world: readonly string[]
  readonly #stage: Stage

  private constructor(stage: Stage, machine: number, world: number) {
    this.#stage = stage
    this.machine = ['nsenter', '-t', String(machine), '-U', '-m', '-n', '--preserve-credentials', '--']
    this.world = ['nsenter', '-t', String(world), '-U', '-m', '-n', '--preserve-credentials', '--']
  }

  /** Rejects with NoNamespaces where there can be none. */
  static async open(stage: Stage): Promise<NetSpace> {
    const hold = ['sh', '-c', 'echo ready; exec cat']
    const machine = await ready(stage.start('machine', ['unshare', '-rmn', ...hold]))
    const user = ['nsenter', '-t', String(machine), '-U', '-m', '--preserve-credentials', '--']
    const world = await ready(stage.start('world', [...user, 'unshare', '-mn', ...hold]))
    const space = new NetSpace(stage, machine, world)
    await space.#connect(world)
    return space
  }

  async #connect(world: number): Promise<void> {
    const settings = SYSCTLS.map((setting) => {
      const [path, value] = setting.split('=')
      return `echo ${value} > /proc/sys/${path}`
    }).join('\n')
    await this.onMachine(`
      ${settings}
      ip link set lo up
      ip link add eth0 type veth peer name world1 netns ${world}
      ip link add wg0 type veth peer name world2 netns ${world}`)
    await this.inWorld(`
      ${settings}
      ip link set lo up
      ip addr add 10.3.0.1/32 dev lo
      ip addr add fd03::1/128 dev lo
      for n in 1 2; do
        ip addr add 10.$n.0.1/24 dev world$n
        ip addr add fd0$n::1/64 dev world$n nodad
        ip link set world$n up
      done`)
    await this.onMachine(`
      ip addr add 10.1.0.2/24 dev eth0
      ip addr add fd01::2/64 dev eth0 nodad
      ip addr add 10.2.0.2/24 dev wg0
      ip addr add fd02::2/64 dev wg0 nodad
      ip link set eth0 up
      ip link set wg0 up
      ip route add default via 10.1.0.1
      ip -6 route add default via fd01::1`)
  }

  /** Runs a script of the shell, and fails when a command of it does. */
  async onMachine(script: string): Promise<void> {
    await this.#run(this.machine, script)
  }

  async inWorld(script: string): Promise<void> {
    await this.#run(this.world, script)
  }

  async #run(where: readonly string[], script: string): Promise<void> {
    const program = this.#stage.start('sh', [...where, 'sh', '-ec', script])
    const { code } = await program.exited
    if (code !== 0) throw new Error(`This ended with ${code}:\n${script}\n${program.log}`)
  }
}

async function ready(program: Program): Promise<number> {
  await program.line(/^ready$/).catch(() => {
    throw new NoNamespaces(program.log)
  })
  return program.pid
}
