// Turns what node:net and its like throw into NetworkError: a stable code, and one line for people.
import { NetworkError } from '../../base/errors.ts'

const CODES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address_in_use',
  EADDRNOTAVAIL: 'address_not_available',
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine does not speak that address family',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by the other side',
  EHOSTUNREACH: 'no route to the host',
  EMFILE: 'too many open files and sockets (see `ulimit -n`)',
  ENETUNREACH: 'network unreachable',
  EPIPE: 'the other side has closed the connection',
  ETIMEDOUT: 'timed out',
}

/**
 * `what` is the failed action with its value, such as `Cannot connect to 192.0.2.1:6881`.
 * The code is `address_in_use`, `address_not_available`, or the system's code in lower case (`econnrefused`).
 */
export function toNetworkError(error: unknown, what: string): NetworkError {
  if (error instanceof NetworkError) return error
  const system = systemCode(error)
  const text = error instanceof Error ? error.message : String(error)
  const code = CODES[system] ?? (system === '' ? 'network_error' : system.toLowerCase())
  return new NetworkError(code, `${what}: ${REASONS[system] ?? text}`)
}

/** The code of a system error (`ECONNREFUSED`), or ''. */
function systemCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : ''
}
