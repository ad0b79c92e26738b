import { addressKey, parseAddress, type Address } from '../base/address.ts'
import { encodeUtf8, fromHex, toHex } from '../base/bytes.ts'
import { NetworkError } from '../base/errors.ts'
import type { FamilyStatus, FindPeersOptions } from '../engine/discovery/dht/dht-api.ts'
import type { DhtMemory } from '../engine/discovery/dht/dht-memory.ts'
import type { ItemSearchResult } from '../engine/discovery/dht/item-search.ts'
import type { DhtNode } from '../engine/discovery/dht-node.ts'
import type { Platform, Stop } from '../platform/platform.ts'
import { decode, encode } from '../protocol/bencode/index.ts'
import {
  ID_BYTES,
  itemTarget,
  MAX_SALT_BYTES,
  MAX_VALUE_BYTES,
  mutableTarget,
  signItem,
  type Item,
} from '../protocol/dht/index.ts'

/** Ids and keys are hexadecimal digits, addresses `1.2.3.4:6881` or `[::1]:6881`. */
export interface DhtContact {
  readonly id: string
  readonly address: string
}

export interface DhtPing {
  readonly id: string
  /** Milliseconds until the answer. */
  readonly ms: number
  /** Where the node sees us; null where it does not say. */
  readonly seenAt: string | null
}

export interface DhtPeers {
  /** Different ones that were told. */
  readonly peers: number
  /** Nodes asked. */
  readonly asked: number
  /** Nodes that have taken the announcement. */
  readonly announcedTo: number
  /** The size of the swarm, roughly; null where nobody has counted. */
  readonly swarm: { readonly seeds: number; readonly peers: number } | null
}

/** One of the owner's items: hexadecimal digits of the public key, and a text that tells them apart. */
export interface DhtOwned {
  readonly key: string
  readonly salt?: string
}

export interface DhtItem {
  readonly target: string
  /** The value as it is kept: bencoded. */
  readonly bencoded: Uint8Array
  /** Where it is a byte string: that; else null. */
  readonly content: Uint8Array | null
  /** Of an item that its owner can change: its version and the owner's key; else null. */
  readonly seq: bigint | null
  readonly key: string | null
  /** Nodes that had it; null for one that never changes: the first copy is enough, the others are not counted. */
  readonly copies: number | null
}

export interface DhtPutOptions {
  /** The owner's 32 secret bytes: the item can be changed later, and is found by the public key. Default: it never changes. */
  readonly secret?: Uint8Array
  /** Tells the owner's items apart; at most 64 bytes. */
  readonly salt?: string
  /** The version. Default: one more than what is found. */
  readonly seq?: bigint
}

export interface DhtPut {
  readonly target: string
  readonly seq: bigint | null
  /** The owner's public key. */
  readonly key: string | null
  /** Nodes that have taken it: they keep it for two hours. */
  readonly storedBy: number
  /** What the last of the others said; null where none gave a reason. */
  readonly refusal: { readonly code: number; readonly message: string } | null
}

const TICK_MS = 100
/** When one network is entered, the other one has so long. */
const OTHER_FAMILY_MS = 2000
const JOIN_WITHIN_MS = 30_000
const KEY_BYTES = 32

/** A node in the DHT that was opened by `openDht`. */
export class Dht {
  readonly #node: DhtNode
  readonly #platform: Platform
  readonly #memory: DhtMemory | null
  readonly #stopTicking: Stop
  readonly #openedAt: number
  #firstJoinedAt = Infinity
  #isClosed = false
  readonly #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []

  constructor(node: DhtNode, platform: Platform, memory: DhtMemory | null) {
    this.#node = node
    this.#platform = platform
    this.#memory = memory
    this.#openedAt = platform.clock.now()
    this.#stopTicking = platform.clock.every(TICK_MS, () => this.#tick())
  }

  /** One for each network that the node is in. */
  get status(): FamilyStatus[] {
    return this.#node.status
  }

  /** Resolves when it knows nodes near it. Rejects with NetworkError `no_nodes` when nobody has answered for 30 s, or `closed`. */
  joined(): Promise<void> {
    if (this.#isClosed) return Promise.reject(wasClosed())
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Asks one node whether it is there. Rejects with NetworkError `timed_out`, `refused`, or `not_sent`. */
  async ping(address: string): Promise<DhtPing> {
    const to = parseAddress(address)
    if (!to) throw new TypeError(`Cannot ask ${address}: expected an IP and a port`)
    const { clock } = this.#platform
    const askedAt = clock.now()
    const { id, externalAddress } = await this.#node.ask(to, { method: 'ping' })
    return { id: toHex(id), ms: clock.now() - askedAt, seenAt: externalAddress && addressKey(externalAddress) }
  }

  /** The nodes closest to `target`, closest first. */
  async findNodes(target: string): Promise<DhtContact[]> {
    const found = await this.#node.findNodes(idOf(target))
    return found.map(({ id, address }) => ({ id: toHex(id), address: addressKey(address) }))
  }

  /** Finds peers of a torrent; `onPeers` is told of them as they are found. */
  async findPeers(infohash: string, options: FindPeersOptions = {}): Promise<DhtPeers> {
    const told = new Set<string>()
    const onPeers = (peers: readonly Address[]): void => {
      const fresh = peers.filter((peer) => !told.has(addressKey(peer)))
      for (const peer of fresh) told.add(addressKey(peer))
      if (fresh.length > 0) options.onPeers?.(fresh)
    }
    const results = await this.#node.findPeers(idOf(infohash), { ...options, onPeers }).done
    const swarms = results.flatMap(({ swarm }) => swarm ?? [])
    return {
      peers: told.size,
      asked: sum(results.map(({ asked }) => asked)),
      announcedTo: sum(results.map(({ announcedTo }) => announcedTo)),
      // The two networks have members in common, or not: nobody knows.
      swarm: swarms.toSorted((a, b) => b.seeds + b.peers - a.seeds - a.peers)[0] ?? null,
    }
  }

  /** The item kept at `target`, or the newest of an owner; null when nobody has it. */
  async get(wanted: string | DhtOwned): Promise<DhtItem | null> {
    const salt = encodeUtf8(typeof wanted === 'string' ? '' : (wanted.salt ?? ''))
    const target = typeof wanted === 'string' ? idOf(wanted) : mutableTarget(keyOf(wanted.key), salt)
    const found = newestOf(await this.#node.getItem(target, salt).done)
    if (found === null) return null
    const { item, copies } = found
    const value = decode(item.value)
    return {
      target: toHex(target),
      bencoded: item.value,
      content: value instanceof Uint8Array ? value : null,
      seq: item.kind === 'mutable' ? item.seq : null,
      key: item.kind === 'mutable' ? toHex(item.key) : null,
      copies,
    }
  }

  /** Puts an item where others will look for it. Throws TypeError for what is too large: 1,000 bytes, bencoded. */
  async put(content: Uint8Array | string, { secret, salt = '', seq }: DhtPutOptions = {}): Promise<DhtPut> {
    const value = encode(content)
    if (value.length > MAX_VALUE_BYTES)
      throw new TypeError(`Cannot put ${value.length} bytes, bencoded: at most ${MAX_VALUE_BYTES} are kept`)
    if (secret === undefined) return this.#put({ kind: 'immutable', value }, null)
    if (secret.length !== KEY_BYTES) throw new TypeError(`Cannot sign with ${secret.length} bytes: the secret has 32`)
    const unsigned = { value, salt: encodeUtf8(salt) }
    if (unsigned.salt.length > MAX_SALT_BYTES) throw new TypeError(`The salt has more than ${MAX_SALT_BYTES} bytes`)
    if (seq !== undefined) return this.#put(signItem({ ...unsigned, seq }, secret), null)
    const first = signItem({ ...unsigned, seq: 0n }, secret)
    const found = newestOf(await this.#node.getItem(itemTarget(first), unsigned.salt).done)
    const before = found?.item.kind === 'mutable' ? found.item.seq : null
    // Whoever changes it at the same time is not overwritten.
    return this.#put(before === null ? first : signItem({ ...unsigned, seq: before + 1n }, secret), before)
  }

  /** Asks the nodes on the way to `target` for infohashes that they keep peers of (BEP 51). */
  async sample(target: string, onInfohashes: (infohashes: readonly string[], from: DhtContact) => void): Promise<void> {
    const task = this.#node.sampleInfohashes(idOf(target), ({ id, address }, { infohashes }) =>
      onInfohashes(infohashes.map(toHex), { id: toHex(id), address: addressKey(address) }),
    )
    await task.done
  }

  /** A target that nobody else has. */
  randomTarget(): string {
    return toHex(this.#platform.random.bytes(ID_BYTES))
  }

  /** What it knows of the network is remembered, and everything ends. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopTicking()
    if (this.#node.nodes > 0) await this.#memory?.save(this.#node.save())
    this.#node.close()
    for (const waiting of this.#waiting.splice(0)) waiting.reject(wasClosed())
    await this.#memory?.close()
    await this.#platform.disk.close()
  }

  async #put(item: Item, cas: bigint | null): Promise<DhtPut> {
    const results = await this.#node.putItem(item, cas === null ? {} : { cas }).done
    return {
      target: toHex(itemTarget(item)),
      seq: item.kind === 'mutable' ? item.seq : null,
      key: item.kind === 'mutable' ? toHex(item.key) : null,
      storedBy: sum(results.map(({ storedBy }) => storedBy)),
      refusal: results.map(({ refusal }) => refusal).find((refusal) => refusal !== null) ?? null,
    }
  }

  #tick(): void {
    const now = this.#platform.clock.now()
    this.#node.tick(now)
    if (this.#waiting.length === 0) return
    const joined = this.status.map(({ hasJoined }) => hasJoined)
    if (joined.includes(true)) this.#firstJoinedAt = Math.min(this.#firstJoinedAt, now)
    if (!joined.includes(false) || now - this.#firstJoinedAt >= OTHER_FAMILY_MS) {
      for (const waiting of this.#waiting.splice(0)) waiting.resolve()
    } else if (now - this.#openedAt >= JOIN_WITHIN_MS) {
      const error = new NetworkError('no_nodes', 'Cannot enter the DHT: no node has answered')
      for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
    }
  }
}

function wasClosed(): NetworkError {
  return new NetworkError('closed', 'The DHT node was closed')
}

function newestOf(
  results: readonly ItemSearchResult[],
): { readonly item: Item; readonly copies: number | null } | null {
  const items = results.flatMap(({ item }) => item ?? [])
  if (items.length === 0) return null
  const item = items.reduce((newest, other) => (seqOf(other) > seqOf(newest) ? other : newest))
  const same = results.filter((result) => result.item !== null && seqOf(result.item) === seqOf(item))
  return { item, copies: item.kind === 'immutable' ? null : sum(same.map(({ copies }) => copies ?? 0)) }
}

function seqOf(item: Item): bigint {
  return item.kind === 'mutable' ? item.seq : 0n
}

/** Throws TypeError for what is no id. */
function idOf(text: string): Uint8Array {
  const id = fromHex(text)
  if (id?.length !== ID_BYTES) throw new TypeError(`Cannot look for ${text}: expected 40 hexadecimal digits`)
  return id
}

function keyOf(text: string): Uint8Array {
  const key = fromHex(text)
  if (key?.length !== KEY_BYTES) throw new TypeError(`Cannot look for items of ${text}: expected 64 hexadecimal digits`)
  return key
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
