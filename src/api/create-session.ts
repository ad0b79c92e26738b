import { Session } from '../engine/session/session.ts'
import type { SessionOptions } from '../engine/session/settings.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import type { Platform } from '../platform/platform.ts'

/**
 * Opens a session and begins to listen. Rejects with NetworkError: `address_in_use` for a given port that is taken,
 * `address_not_available` for an address that is not this machine's; with TypeError for a rate that is none.
 * @param options `platform`: the outside world, where it is not Node's: a node of the simulator (`shoal/sim`)
 */
export function createSession(options: SessionOptions & { readonly platform?: Platform } = {}): Promise<Session> {
  const { workers, platform = createNodePlatform(workers === undefined ? {} : { workers }) } = options
  return Session.open(options, platform)
}
