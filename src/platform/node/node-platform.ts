// The real outside world, for users. Nothing starts before it is used: no thread, no socket, no timer.
import type { Platform } from '../platform.ts'
import { nodeClock } from './clock.ts'
import { NodeDisk, type NodeDiskOptions } from './disk.ts'
import { createNodeNetwork, type NodeNetworkOptions } from './node-network.ts'
import { nodeRandom } from './random.ts'
import { NodeStateStore } from './state-store.ts'

export interface NodePlatformOptions extends NodeDiskOptions, NodeNetworkOptions {
  /** The folder where it is remembered what is verified. Default: nowhere. */
  readonly state?: string
}

/** Throws NetworkError `address_not_available` when there is nothing to bind to. */
export function createNodePlatform(options: NodePlatformOptions = {}): Platform {
  const { state } = options
  return {
    clock: nodeClock,
    random: nodeRandom,
    network: createNodeNetwork(options),
    disk: new NodeDisk(options),
    state: state === undefined ? null : new NodeStateStore(state),
  }
}
