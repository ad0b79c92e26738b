// Somebody with addresses in many ranges who wants to hide what is kept at one target. Of the ids that BEP 42 allows each of
// its addresses it takes those closest to the target. Its nodes answer like any other, quickly, take what they are given, and
// never tell of it; the nodes they name are all its own. To be known they ask others all the time, above all those near the target.
import { ipAddress, type Address } from '../../../base/address.ts'
import { FormatError } from '../../../base/errors.ts'
import type { UdpSocket } from '../../../platform/platform.ts'
import {
  compareDistance,
  decodeKrpc,
  encodeKrpc,
  secureId,
  type Contact,
  type DhtAnswer,
  type KrpcQuery,
} from '../../../protocol/dht/index.ts'
import type { DhtWorld } from './dht-world.ts'

const HOSTILE_PORT = 6882
const TOKEN = Uint8Array.of(1, 2, 3, 4)
const ASK_MS = 2000
/** Those who are closest to the target are asked every other time. */
const NEAREST = 60

export class HostileNodes {
  readonly contacts: Contact[] = []
  readonly #world: DhtWorld
  readonly #target: Uint8Array

  constructor(world: DhtWorld, target: Uint8Array) {
    this.#world = world
    this.#target = target
  }

  /** `count` nodes, evenly from `ranges` ranges of 254 addresses. */
  async join(count: number, ranges: number): Promise<void> {
    for (let i = 0; i < ranges; i++) {
      const ip = this.#world.newIp()
      const here = Math.floor(((i + 1) * count) / ranges) - Math.floor((i * count) / ranges)
      for (const contact of this.#bestOfRange(ip).slice(0, here)) await this.#open(contact)
    }
  }

  /** One contact for each address, the closest first. */
  #bestOfRange(ip: string): Contact[] {
    const range = ip.slice(0, ip.lastIndexOf('.'))
    const best: Contact[] = []
    for (let host = 1; host < 255; host++) {
      const address = ipAddress(`${range}.${host}`, HOSTILE_PORT)
      const ids = Array.from({ length: 8 }, (_, place) => this.#idAt(address.ip, place))
      best.push({ id: ids.sort((a, b) => compareDistance(this.#target, a, b))[0], address })
    }
    return best.sort((a, b) => compareDistance(this.#target, a.id, b.id))
  }

  /** The id closest to the target that this address may have in one of its eight places. */
  #idAt(ip: string, place: number): Uint8Array {
    const wanted = this.#target.slice()
    wanted[19] = (wanted[19] & 0xf8) | place
    return secureId(ip, wanted)
  }

  async #open(contact: Contact): Promise<void> {
    const { platform } = this.#world.machine(contact.address.ip)
    const options = { ip: '0.0.0.0', port: HOSTILE_PORT }
    const socket: UdpSocket = await platform.network.openUdp(options, (datagram, from) => {
      const query = readQuery(datagram)
      if (query !== null) socket.send(this.#reply(query, contact, from), from)
    })
    this.contacts.push(contact)
    platform.clock.every(ASK_MS, () => this.#introduce(contact, socket))
  }

  #introduce({ id }: Contact, socket: UdpSocket): void {
    const { random } = this.#world
    const isNear = random.happens(0.5)
    const candidates = isNear ? this.#nearest() : this.#world.members
    const whom = candidates[random.below(candidates.length)]
    const request = { method: 'find_node', target: this.#target, want: [] } as const
    const query = { kind: 'query', transaction: random.bytes(2), id, isReadOnly: false, request } as const
    if (whom) socket.send(encodeKrpc(query), whom.contact.address)
  }

  #near: { readonly at: number; readonly members: DhtWorld['members'] } = { at: -Infinity, members: [] }

  #nearest(): DhtWorld['members'] {
    const now = this.#world.sim.nowMs
    if (now - this.#near.at > 60_000) {
      const byDistance = this.#world.members.toSorted((a, b) =>
        compareDistance(this.#target, a.contact.id, b.contact.id),
      )
      this.#near = { at: now, members: byDistance.slice(0, NEAREST) }
    }
    return this.#near.members
  }

  #reply({ transaction, request }: KrpcQuery, { id }: Contact, from: Address): Uint8Array {
    const target = 'target' in request ? request.target : 'infohash' in request ? request.infohash : null
    const answer: DhtAnswer = target === null ? {} : { nodes: this.#closest(target), token: TOKEN }
    return encodeKrpc({ kind: 'response', transaction, id, externalAddress: from, answer })
  }

  /** Of its own, one of each range: others would be left out. */
  #closest(target: Uint8Array): Contact[] {
    const ranges = new Set<string>()
    const sorted = this.contacts.toSorted((a, b) => compareDistance(target, a.id, b.id))
    return sorted
      .filter(({ address: { ip } }) => {
        const range = ip.slice(0, ip.lastIndexOf('.'))
        return !ranges.has(range) && ranges.add(range)
      })
      .slice(0, 8)
  }
}

function readQuery(datagram: Uint8Array): KrpcQuery | null {
  try {
    const message = decodeKrpc(datagram)
    return message.kind === 'query' ? message : null
  } catch (error) {
    if (error instanceof FormatError) return null
    throw error
  }
}
