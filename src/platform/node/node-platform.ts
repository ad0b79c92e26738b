// The real outside world, for users. Nothing starts before it is used: no thread, no socket, no timer.
import type { Platform } from '../platform.ts'
import { nodeClock } from './clock.ts'
import { NodeDisk, type NodeDiskOptions } from './disk.ts'
import { httpGet } from './http.ts'
import { lookup, ownAddresses } from './lookup.ts'
import { nodeRandom } from './random.ts'
import { NodeStateStore } from './state-store.ts'
import type { Receiving } from './tcp-connection.ts'
import { connectTcp, listenTcp } from './tcp.ts'
import { openUdp } from './udp.ts'

export interface NodePlatformOptions extends NodeDiskOptions {
  /** How bytes of connections arrive. Default: the fast way, `shared`. */
  readonly receive?: Receiving
  /** The folder where it is remembered what is verified. Default: nowhere. */
  readonly state?: string
}

export function createNodePlatform(options: NodePlatformOptions = {}): Platform {
  const { receive, state } = options
  return {
    clock: nodeClock,
    random: nodeRandom,
    network: {
      listen: (where, onConnection) => listenTcp(where, onConnection, receive),
      connect: (remote, from, handler) => connectTcp(remote, from, handler, receive),
      openUdp,
      httpGet,
      lookup,
      ownAddresses,
    },
    disk: new NodeDisk(options),
    state: state === undefined ? null : new NodeStateStore(state),
  }
}
