// A node in the DHT by itself, without a session: to ask others, to keep items there, or to serve.
import type { Log } from '../base/log.ts'
import { DhtMemory } from '../engine/discovery/dht/dht-memory.ts'
import { readRouters } from '../engine/discovery/dht/router.ts'
import { DhtNode } from '../engine/discovery/dht-node.ts'
import { bindIp } from '../platform/bound/sources.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import type { Platform } from '../platform/platform.ts'
import { Dht } from './dht.ts'
import { stateOption } from './state-option.ts'

export interface OpenDhtOptions {
  /** UDP port; a given one that is taken is an error. Default 0: any free one. */
  readonly port?: number
  /** IP or interface of this machine that everything leaves from. With an IP, only the network of its family is entered. Default: all addresses of both families. */
  readonly bind?: string
  /** Where to enter when no node is remembered, `host:port`. Default: three well-known ones on the internet. */
  readonly routers?: readonly string[]
  /** Nobody is answered (BEP 43): right for who does not stay. Default false. */
  readonly isReadOnly?: boolean
  /** Where nodes are remembered, as in `createSession`. Default false: nowhere. */
  readonly state?: string | boolean
  /** Default: nobody. */
  readonly log?: Log
  /** The outside world, where it is not Node's. */
  readonly platform?: Platform
}

/**
 * Begins to listen and to enter the network; `joined` tells when that is done. Rejects with NetworkError (`address_in_use`,
 * `address_not_available`) and with TypeError for a router that is none.
 */
export async function openDht(options: OpenDhtOptions = {}): Promise<Dht> {
  const { bind, port, isReadOnly, log = () => {}, state = false } = options
  const ip = bindIp(bind)
  const routers = readRouters(options.routers)
  const platform = options.platform ?? createNodePlatform({ workers: 0, bind, ...stateOption(state) })
  const memory = await DhtMemory.open(platform.state, log)
  try {
    const node = await DhtNode.open(platform, {
      ...(port === undefined ? {} : { port }),
      ...(ip === undefined ? {} : { bind: ip }),
      ...(isReadOnly === undefined ? {} : { isReadOnly }),
      routers,
      areRoutersMembers: options.routers !== undefined,
      saved: memory?.saved,
      log,
    })
    return new Dht(node, platform, memory)
  } catch (error) {
    await memory?.close()
    await platform.disk.close()
    throw error
  }
}
