// The operations that were handed over and not answered yet, with the promises of those who wait for them.
import { StorageError } from '../../base/errors.ts'
import type { OperationKind, OperationResult, Reply } from './disk-messages.ts'

interface Pending {
  readonly path: string
  readonly bytes: number
  resolve(result: OperationResult<OperationKind>): void
  reject(error: StorageError): void
}

export class PendingOperations {
  readonly #pending = new Map<number, Pending>()
  #nextId = 0
  #bytes = 0
  #onEmpty: (() => void)[] = []

  get count(): number {
    return this.#pending.size
  }

  /** Bytes that wait to be moved: how busy the one is who works on them. */
  get bytes(): number {
    return this.#bytes
  }

  /** `path` is the one that an error names. */
  add<Kind extends OperationKind>(path: string, bytes: number): { id: number; answer: Promise<OperationResult<Kind>> } {
    const id = this.#nextId++
    this.#bytes += bytes
    const answer = new Promise<OperationResult<OperationKind>>((resolve, reject) => {
      this.#pending.set(id, { path, bytes, resolve, reject })
    })
    // Whoever answers an id answers with what its kind of operation gives.
    return { id, answer: answer as Promise<OperationResult<Kind>> }
  }

  settle(reply: Reply): void {
    const pending = this.#remove(reply[0])
    if (!pending) return
    if (reply[1]) pending.resolve(reply[2])
    else pending.reject(new StorageError(reply[2], reply[3], reply[4]))
  }

  failAll(code: string, reason: string): void {
    for (const [id, { path }] of this.#pending) {
      this.settle([id, false, code, `Cannot finish the work on ${path}: ${reason}`, path])
    }
  }

  /** Resolves when nothing is pending. */
  empty(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  #remove(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (!pending) return undefined
    this.#pending.delete(id)
    this.#bytes -= pending.bytes
    if (this.#pending.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve()
    return pending
  }
}
