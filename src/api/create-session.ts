import { Session } from '../engine/session/session.ts'
import type { SessionOptions } from '../engine/session/settings.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'

/**
 * Opens a session and begins to listen. Rejects with NetworkError: `address_in_use` for a given port that is taken,
 * `address_not_available` for an address that is not this machine's.
 */
export function createSession(options: SessionOptions = {}): Promise<Session> {
  return Session.open(options, createNodePlatform(options.workers === undefined ? {} : { workers: options.workers }))
}
