// How a command fails: an exit code, a stable code for programs, and one line for people that says what happened and what to do.

export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: string
  readonly exitCode: number
  constructor(code: string, message: string, exitCode = EXIT_FAILED) {
    super(message)
    this.code = code
    this.exitCode = exitCode
  }
}

/** The command line itself is wrong: exit code 2. */
export function usageError(message: string): CommandError {
  return new CommandError('usage', message, EXIT_USAGE)
}

/** The command ended early because it was told to; `Stop` knows the exit code. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly exitCode: number
}

/** What to do about errors that a person can do something about. */
const ADVICE: Readonly<Record<string, string>> = {
  address_in_use: 'choose another --port, or leave it out',
  address_not_available: 'choose an address of this machine with --bind',
  disk_full: 'make room and run the same command again: what is there is kept',
  permission_denied: 'check the permissions, or choose another folder',
  read_only: 'choose another folder',
  too_many_open_files: 'raise the limit (ulimit -n), or lower --max-peers',
  name_too_long: 'choose a folder with a shorter path',
  not_found: 'check the path',
  in_use: 'end the other one, or choose another folder',
  name_not_found: 'check the name and the network',
  response_too_large: 'check that the address is that of a torrent file',
  internal: 'please report it',
}

const SYSTEM_CODES: Readonly<Record<string, string>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'read_only',
  ENOSPC: 'disk_full',
  EMFILE: 'too_many_open_files',
  ENAMETOOLONG: 'name_too_long',
  EISDIR: 'not_a_file',
  EEXIST: 'file_exists',
}

/** Errors of ours carry a lower-case code; those of the system are translated; anything else is a fault in this program. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CommandError) return { code: error.code, message: error.message, exitCode: error.exitCode }
  const { code, message } = isCoded(error) ? knownError(error) : internalError(error)
  const advice = ADVICE[code]
  // What to do stands behind a semicolon; some errors of the library bring it with them.
  const isAdvised = advice === undefined || message.includes('; ')
  return { code, message: isAdvised ? message : `${message}; ${advice}`, exitCode: EXIT_FAILED }
}

interface CodedError extends Error {
  readonly code: string
  /** Of errors of the system. */
  readonly syscall?: string
  readonly path?: string
}

function isCoded(error: unknown): error is CodedError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

function knownError({ code, message, syscall, path }: CodedError): Pick<Failure, 'code' | 'message'> {
  const ours = SYSTEM_CODES[code] ?? code.toLowerCase()
  if (syscall === undefined || path === undefined) return { code: ours, message }
  // `ENOENT: no such file or directory, open 'x'` -> `Cannot use x: no such file or directory`
  const reason = message.replace(/^[A-Z]+: /, '').replace(new RegExp(`, ${syscall}.*$`, 's'), '')
  return { code: ours, message: `Cannot use ${path}: ${reason}` }
}

function internalError(error: unknown): Pick<Failure, 'code' | 'message'> {
  if (!(error instanceof Error)) return { code: 'internal', message: `Internal error: ${String(error)}` }
  // The first line of the stack says where, which is what a report needs.
  const where = error.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? ''
  return { code: 'internal', message: `Internal error: ${error.message}${where.replace(/^\s+/, ' ')}` }
}
