// How long a peer may take with each step of a connection, what it is told then, and whether that is its fault: the same whoever
// holds the connection.
import { PeerError } from '../../../base/errors.ts'

/** We say something at least this often. */
export const KEEP_ALIVE_MS = 100_000
const CONNECT_TIMEOUT_MS = 10_000
const HANDSHAKE_TIMEOUT_MS = 15_000
/** BEP 3: two minutes, and as long again for the patience of others. */
const INACTIVE_MS = 240_000

/**
 * Null: it has time.
 * @param since when the step began; of one that is connected, when its last bytes came
 */
export function overdue(
  step: 'connecting' | 'handshaking' | 'connected',
  since: number,
  now: number,
): PeerError | null {
  const waited = now - since
  if (step === 'connecting' && waited > CONNECT_TIMEOUT_MS)
    return new PeerError('connect_timeout', `No connection within ${CONNECT_TIMEOUT_MS / 1000} s`)
  if (step === 'handshaking' && waited > HANDSHAKE_TIMEOUT_MS)
    return new PeerError('handshake_timeout', `No handshake within ${HANDSHAKE_TIMEOUT_MS / 1000} s`)
  if (step === 'connected' && waited > INACTIVE_MS)
    return new PeerError('inactive', `Nothing received for ${INACTIVE_MS / 1000} s`)
  return null
}

/** Not every end is somebody's fault: a connection that never was, or that has nothing to say, is not. */
export function isBlame(reason: PeerError): boolean {
  return !['connect_timeout', 'inactive', 'not_reading'].includes(reason.code)
}
