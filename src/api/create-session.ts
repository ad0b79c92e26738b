import { Session } from '../engine/session/session.ts'
import type { SessionOptions } from '../engine/session/settings.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import type { Platform } from '../platform/platform.ts'
import { stateOption } from './state-option.ts'

export interface CreateSessionOptions extends SessionOptions {
  /** The outside world, where it is not Node's: a node of the simulator (`shoal/sim`). It brings its own state. */
  readonly platform?: Platform
  /**
   * Where to remember what is verified, so that the next session need not look at it again: a folder; true: the one of this
   * system for programs' state (Linux: `$XDG_STATE_HOME/shoal`, else `~/.local/state/shoal`). Default false: nowhere.
   */
  readonly state?: string | boolean
}

/**
 * Opens a session and begins to listen. Rejects with NetworkError: `address_in_use` for a given port that is taken,
 * `address_not_available` for an address or interface that is not this machine's; with TypeError for a rate that is none; with RangeError
 * for less memory than it can work within.
 */
export async function createSession(options: CreateSessionOptions = {}): Promise<Session> {
  const { workers, memory, bind, state = false } = options
  const chosen = {
    ...(workers === undefined ? {} : { workers }),
    ...(memory === undefined ? {} : { memory }),
    ...stateOption(state),
    bind,
  }
  return Session.open(options, options.platform ?? createNodePlatform(chosen))
}
