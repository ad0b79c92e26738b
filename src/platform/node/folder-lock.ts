// A folder for one process alone. The lock is a local socket that its holder listens on: it ends with the process, however that
// ends, and needs no process id, which the system may give to somebody else. Files of dead holders are found by connecting.
//
// Everybody who wants the lock first listens on a socket file with a name of its own, and then looks at all others: of two
// who want it at once at least one sees the other, whatever the order. It gives way and tries again, unless the other says
// that it has the lock. On Windows a named pipe does all of this by itself.
import { createHash, randomBytes, randomInt } from 'node:crypto'
import fs from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { StateError } from '../../base/errors.ts'
import { systemCode, toStorageError } from './storage-error.ts'

/** Releases the lock. */
export type Unlock = () => Promise<void>

const PREFIX = 'lock.'
/** Bytes of a socket's path that every system takes; a longer one would be cut without a word. */
const LONGEST_PATH = 100
/** How long a process may take to say whether it has the lock; one that is busy, or stopped, has it. */
const ANSWER_MS = 2000
const ATTEMPTS = 50
const LONGEST_PAUSE_MS = 40

/** @param what names what is in use, in the error. Rejects with StateError `in_use`; with StorageError. */
export async function lockFolder(folder: string, what: string): Promise<Unlock> {
  if (process.platform === 'win32') return lockPipe(folder, what)
  const place = openPlace(folder)
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const unlock = await tryLock(folder, place, what)
      if (unlock) return unlock
      await pause(randomInt(1, LONGEST_PAUSE_MS))
    }
    throw inUse(folder, what)
  } catch (error) {
    place.close()
    throw error instanceof StateError ? error : toStorageError(error, 'lock', folder)
  }
}

/** Whether a file of this name in a locked folder belongs to the lock. */
export function isLockFile(name: string): boolean {
  return name.startsWith(PREFIX)
}

/** Null: others want it at this moment. */
async function tryLock(folder: string, place: Place, what: string): Promise<Unlock | null> {
  const name = PREFIX + randomBytes(4).toString('hex')
  let isHeld = false
  const server = await listen(join(place.path, name), () => (isHeld ? 'held' : 'wanted'))
  const others = fs.readdirSync(folder).filter(isLockFile)
  const answers = await Promise.all(others.map(async (other) => (other === name ? 'mine' : ask(folder, place, other))))
  // Whoever asked in the instant before we listened may have taken us for dead.
  isHeld = answers.every((answer) => answer === 'dead' || answer === 'mine') && answers.includes('mine')
  if (!isHeld) await closed(server)
  if (answers.includes('held')) throw inUse(folder, what)
  if (!isHeld) return null
  return async () => {
    await closed(server)
    place.close()
  }
}

/** What the process behind the socket says; the file of one that is no more is removed. */
async function ask(folder: string, place: Place, name: string): Promise<'held' | 'wanted' | 'dead'> {
  const answer = await new Promise<'held' | 'wanted' | 'dead'>((resolve) => {
    const socket = connect(join(place.path, name))
    socket.setTimeout(ANSWER_MS, () => {
      resolve('held')
      socket.destroy()
    })
    socket.on('data', (bytes) => resolve(bytes.toString('latin1') === 'wanted' ? 'wanted' : 'held'))
    socket.on('error', (error) => {
      const code = systemCode(error)
      if (code !== 'ECONNRESET') resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'dead' : 'held')
    })
    // Gone without an answer: it has given way, and may be back.
    socket.on('close', () => resolve('wanted'))
  })
  if (answer === 'dead') await rm(join(folder, name), { force: true })
  return answer
}

function listen(path: string, answer: () => string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(answer())
    })
    server.once('error', reject)
    server.listen(path, () => {
      // A lock keeps no process alive.
      server.unref()
      resolve(server)
    })
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Where sockets are made: the folder, by a name that is short enough. */
interface Place {
  readonly path: string
  close(): void
}

function openPlace(folder: string): Place {
  if (Buffer.byteLength(join(folder, `${PREFIX}12345678`)) <= LONGEST_PATH) return { path: folder, close: () => {} }
  if (process.platform !== 'linux') {
    throw new StateError('name_too_long', `Cannot lock ${folder}: its path is too long; choose a shorter one`, folder)
  }
  const fd = fs.openSync(folder, 'r')
  return { path: `/proc/self/fd/${fd}`, close: () => fs.closeSync(fd) }
}

async function lockPipe(folder: string, what: string): Promise<Unlock> {
  const name = createHash('sha256').update(folder.toLowerCase()).digest('hex').slice(0, 32)
  try {
    const server = await listen(`\\\\.\\pipe\\shoal-${name}`, () => 'held')
    return () => closed(server)
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE') throw inUse(folder, what)
    throw toStorageError(error, 'lock', folder)
  }
}

function inUse(folder: string, what: string): StateError {
  return new StateError(
    'in_use',
    `Cannot use ${what}: this torrent is open there already; end the other one first`,
    folder,
  )
}
