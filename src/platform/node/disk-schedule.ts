// In which order one thread works: what an upload waits for first, then what frees slots, then checking of existing data.
// An operation that has begun pauses for a more urgent one, and is then resumed.
import { StorageError } from '../../base/errors.ts'
import type { Operation, OperationKind, OperationResult, Reply } from './disk-messages.ts'
import type { DiskOperations } from './disk-operations.ts'
import type { Work } from './disk-work.ts'
import { toStorageError } from './storage-error.ts'

const URGENCY: Readonly<Record<OperationKind, number>> = {
  expect: 0,
  read: 0,
  // Of many files: few are not looked at by the disk's threads.
  sizes: 1,
  states: 1,
  taken: 1,
  commit: 1,
  write: 1,
  ensure: 1,
  assemble: 1,
  rename: 1,
  remove: 1,
  removeTree: 1,
  attributes: 1,
  release: 1,
  hash: 2,
  copy: 2,
  reserve: 2,
}

interface Level {
  readonly waiting: Operation[]
  current: { readonly id: number; readonly work: Work<OperationResult<OperationKind>> } | null
}

export class DiskSchedule {
  readonly #operations: Pick<DiskOperations, 'run'>
  readonly #reply: (reply: Reply) => void
  readonly #levels: readonly Level[] = [0, 1, 2].map(() => ({ waiting: [], current: null }))

  constructor(operations: Pick<DiskOperations, 'run'>, reply: (reply: Reply) => void) {
    this.#operations = operations
    this.#reply = reply
  }

  add(operation: Operation): void {
    this.#levels[URGENCY[operation[1]]].waiting.push(operation)
  }

  /** Works until the most urgent operation pauses or ends; false when there was nothing to do. */
  step(): boolean {
    for (const level of this.#levels) {
      if (!level.current) {
        const operation = level.waiting.shift()
        if (!operation) continue
        level.current = { id: operation[0], work: this.#operations.run(operation) }
      }
      this.#advance(level, level.current.id, level.current.work)
      return true
    }
    return false
  }

  #advance(level: Level, id: number, work: Work<OperationResult<OperationKind>>): void {
    try {
      const { done, value } = work.next()
      if (!done) return
      level.current = null
      this.#reply([id, true, value])
    } catch (error) {
      level.current = null
      const { code, message, path } = error instanceof StorageError ? error : toStorageError(error, 'use', 'the disk')
      this.#reply([id, false, code, message, path])
    }
  }
}
