// A simulated DHT: nodes all over the internet, each in a range of addresses of its own, that come, stay for a while, and go
// without a word. Round-trips are 40 to 200 ms; of a hundred datagrams one is lost. All nodes are the real `DhtNode`.
import { ipScope, type Address } from '../../../base/address.ts'
import { DhtNode } from '../../../engine/discovery/dht-node.ts'
import { addressRange, encodeSavedNodes, secureId, type Contact } from '../../../protocol/dht/index.ts'
import { SeededRandom, type SimNode, Simulator } from '../../../sim/index.ts'

export const DHT_PORT = 6881
/** A node that joins knows so many others from an earlier time, or none of the first ones do. */
const REMEMBERED = 5
const TICK_MS = 1000
const LOSS = 0.005
const DISK = { slotCount: 1, frameCount: 1 } as const

export interface DhtMember {
  readonly contact: Contact
  readonly node: SimNode
  readonly dht: DhtNode
}

export class DhtWorld {
  readonly sim: Simulator
  readonly random: SeededRandom
  /** Those who are here, with nothing else in common. */
  readonly members: DhtMember[] = []
  readonly #ranges = new Set<string>()
  /** Half of the distance to anybody else, by IP. */
  readonly #delays = new Map<string, number>()

  constructor(seed: number) {
    this.random = new SeededRandom(`${seed}/dht`)
    this.sim = new Simulator({ seed, delayMs: (a, b) => this.#delayOf(a) + this.#delayOf(b) })
  }

  /** Somebody comes, and knows a few of those who are here. */
  async join(): Promise<void> {
    const known = this.some(REMEMBERED).map(({ contact }) => contact)
    const ip = this.newIp()
    const node = this.machine(ip)
    const id = secureId(ip, this.random.bytes(20))
    const saved = encodeSavedNodes(new Map([[4, { id, contacts: known }]]))
    const { platform } = node
    const dht = await DhtNode.open(platform, { port: DHT_PORT, bind: '0.0.0.0', saved })
    // Their seconds do not begin together.
    platform.clock.after(this.random.below(TICK_MS), () => {
      platform.clock.every(TICK_MS, () => dht.tick(platform.clock.now()))
    })
    const address: Address = { kind: 'ip', ip, port: DHT_PORT }
    this.members.push({ contact: { id, address }, node, dht })
  }

  /** Somebody goes without a word. `isSpared`: not these. */
  leave(isSpared: (member: DhtMember) => boolean): void {
    const at = this.random.below(this.members.length)
    if (isSpared(this.members[at])) return
    const [member] = this.members.splice(at, 1, this.members.at(-1)!)
    this.members.pop()
    member.node.crash()
  }

  machine(ip: string): SimNode {
    return this.sim.node(ip, { loss: LOSS, disk: DISK })
  }

  /** Different members, drawn at random: all where there are fewer. */
  some(count: number): DhtMember[] {
    if (this.members.length <= count) return [...this.members]
    const drawn = new Set<DhtMember>()
    while (drawn.size < count) drawn.add(this.one())
    return [...drawn]
  }

  one(): DhtMember {
    return this.members[this.random.below(this.members.length)]
  }

  /** An address of the internet in a range where nobody is. */
  newIp(): string {
    for (;;) {
      const [a, b, c, d] = this.random.bytes(4)
      const ip = `${a}.${b}.${c}.${1 + (d % 254)}`
      const range = addressRange(ip)
      if (range === null || ipScope(ip) !== 'global' || this.#ranges.has(range)) continue
      this.#ranges.add(range)
      return ip
    }
  }

  async pass(ms: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + ms })
  }

  #delayOf(ip: string): number {
    let delay = this.#delays.get(ip)
    if (delay === undefined) this.#delays.set(ip, (delay = 10 + this.random.fraction() * 40))
    return delay
  }
}
