// Folders for one process alone. A process that has a lock listens on a local socket: the lock ends with the process, however
// that ends, and needs no process id, which the system may give to somebody else. Dead holders are found by connecting.
//
// Whoever wants a folder first puts a claim into it: a file by which its socket is reached, of a name that is used once. Then it
// looks at all others' claims: of two who want it at once at least one sees the other, whatever the order. It gives way and
// tries again, unless the other says that it has the lock.
//
// A socket costs ten times what a link does. So there is one for all folders, beside them, and the claims are links to it that bear
// its name: that they are there is all that counts, the socket is asked. It is there before the first claim, and until the last
// is gone; where there is none, its process has ended, and somebody has removed it. Systems that refuse a connection when too many
// come at once would let a live process look dead: there each claim is a socket of its own. On Windows a named pipe does all of
// this by itself.
import { createHash, randomBytes, randomInt } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { StateError } from '../../base/errors.ts'
import { askIn, isDeadIn, listenIn, listenOn, removeFile, type StopListening } from './local-socket.ts'
import { systemCode, toStorageError } from './storage-error.ts'

/** Releases the lock; once that is done, it does nothing. */
export type Unlock = () => void

const PREFIX = 'lock.'
const ATTEMPTS = 50
const LONGEST_PAUSE_MS = 40

/** Whether a file of this name, in a locked folder or beside it, belongs to a lock. */
export function isLockFile(name: string): boolean {
  return name.startsWith(PREFIX)
}

/** The locks of the folders in one folder. */
export class FolderLocks {
  readonly #root: string
  readonly #hasOneSocket: boolean
  /** By their names. */
  readonly #claims = new Map<string, 'held' | 'wanted'>()
  #claimCount = 0
  #shared: SharedSocket | null = null

  /** @param hasOneSocket for all claims; false: each has its own */
  constructor(root: string, hasOneSocket = process.platform === 'linux') {
    this.#root = root
    this.#hasOneSocket = hasOneSocket
  }

  /**
   * @param name of the folder, which is there
   * @param what names what is in use, in the error. Rejects with StateError `in_use`; with StorageError.
   */
  async lock(name: string, what: string): Promise<Unlock> {
    const folder = join(this.#root, name)
    if (process.platform === 'win32') return lockPipe(folder, what)
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const unlock = await this.#tryLock(folder, what)
        if (unlock) return once(unlock)
        await pause(randomInt(1, LONGEST_PAUSE_MS))
      }
      throw inUse(folder, what)
    } catch (error) {
      throw error instanceof StateError ? error : toStorageError(error, 'lock', folder)
    }
  }

  /** Null: others want it at this moment. */
  async #tryLock(folder: string, what: string): Promise<Unlock | null> {
    const claim = this.#hasOneSocket ? await this.#link(folder) : await this.#listen(folder)
    try {
      const others = fs.readdirSync(folder).filter((name) => isLockFile(name) && name !== claim.name)
      const answers = await Promise.all(others.map((other) => this.#ask(folder, other)))
      if (answers.includes('held')) throw inUse(folder, what)
      if (!answers.includes('wanted')) {
        this.#claims.set(claim.name, 'held')
        return claim.withdraw
      }
    } catch (error) {
      claim.withdraw()
      throw error
    }
    claim.withdraw()
    return null
  }

  /** A claim that is a link to the one socket. */
  async #link(folder: string): Promise<Claim> {
    const shared = (this.#shared ??= this.#share())
    shared.claims++
    let stop: StopListening | null = null
    const name = `${shared.name}.${this.#claimCount++}`
    const withdraw = (): void => {
      this.#claims.delete(name)
      removeFile(join(folder, name))
      if (--shared.claims > 0) return
      this.#shared = null
      stop?.()
    }
    try {
      stop = await shared.listening
      // Before anybody can ask for it.
      this.#claims.set(name, 'wanted')
      this.#makeLink(shared.name, join(folder, name))
      return { name, withdraw }
    } catch (error) {
      withdraw()
      throw error
    }
  }

  /** A hard link costs nearly nothing; but a file system allows no more than so many, and none from another one. */
  #makeLink(socket: string, path: string): void {
    try {
      fs.linkSync(join(this.#root, socket), path)
    } catch {
      fs.symlinkSync(join('..', socket), path)
    }
  }

  #share(): SharedSocket {
    const name = newName()
    return { name, listening: this.#listenForAll(name), claims: 0 }
  }

  /** What dead processes have left here is removed: then their claims lead nowhere, and need not be asked one by one. */
  async #listenForAll(name: string): Promise<StopListening> {
    const stop = await listenIn(this.#root, name, this.#answer)
    try {
      const others = fs.readdirSync(this.#root).filter((other) => isLockFile(other) && other !== name)
      const areDead = await Promise.all(others.map((other) => isDeadIn(this.#root, other)))
      for (const [i, other] of others.entries()) if (areDead[i]) removeFile(join(this.#root, other))
      return stop
    } catch (error) {
      stop()
      throw error
    }
  }

  /** A claim that is a socket. */
  async #listen(folder: string): Promise<Claim> {
    const name = newName()
    this.#claims.set(name, 'wanted')
    const forget = (): boolean => this.#claims.delete(name)
    try {
      const stop = await listenIn(folder, name, this.#answer)
      return { name, withdraw: () => (forget(), stop()) }
    } catch (error) {
      forget()
      throw error
    }
  }

  /** What the process behind a claim says of it; one that means nothing any more is removed. */
  async #ask(folder: string, claim: string): Promise<'held' | 'wanted' | 'dead'> {
    const [, id, ofOneSocket] = claim.split('.')
    const [place, name] = ofOneSocket === undefined ? [folder, claim] : [this.#root, PREFIX + id]
    const answer = fs.existsSync(join(place, name)) ? await askIn(place, name, claim) : 'nobody'
    // One that is busy, or stopped, has it.
    if (answer === 'busy') return 'held'
    // It has given way, and may be back.
    if (answer === 'gone') return 'wanted'
    if (answer !== 'nobody' && answer.word !== 'unknown') return answer.word === 'wanted' ? 'wanted' : 'held'
    removeFile(join(folder, claim))
    return 'dead'
  }

  /** To somebody who has found a claim of this name. */
  readonly #answer = (claim: string): string => this.#claims.get(claim) ?? 'unknown'
}

interface Claim {
  readonly name: string
  withdraw(this: void): void
}

interface SharedSocket {
  readonly name: string
  readonly listening: Promise<StopListening>
  /** That need it. */
  claims: number
}

/** Whoever lets go twice must not let go what others hold. */
function once(unlock: Unlock): Unlock {
  let isDone = false
  return () => {
    if (!isDone) unlock()
    isDone = true
  }
}

/** No other's, past or present: a claim that is taken for dead must not come to life. */
function newName(): string {
  return PREFIX + randomBytes(8).toString('hex')
}

async function lockPipe(folder: string, what: string): Promise<Unlock> {
  const name = createHash('sha256').update(folder.toLowerCase()).digest('hex').slice(0, 32)
  try {
    return await listenOn(`\\\\.\\pipe\\shoal-${name}`, () => 'held')
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
