// Who carries out a device's operations: a thread of its own (`DiskThread`), or this one (`DiskInThread`).
import { Worker } from 'node:worker_threads'
import { StorageError } from '../../base/errors.ts'
import type { SharedSlabs } from './disk-memory.ts'
import type { Batch, Operation, OperationArguments, OperationKind, OperationResult, Reply } from './disk-messages.ts'
import { DiskOperations } from './disk-operations.ts'
import { DiskSchedule } from './disk-schedule.ts'
import { PendingOperations } from './pending-operations.ts'

export interface DiskHands {
  /** How busy they are. */
  readonly pendingBytes: number
  /** `path` is the one that an error names, `bytes` what the operation moves. Rejects with StorageError. */
  do<Kind extends OperationKind>(
    kind: Kind,
    path: string,
    bytes: number,
    ...details: OperationArguments<Kind>
  ): Promise<OperationResult<Kind>>
  /** Waits until all is done, but not longer than `limitMs`; what is not done by then fails with `disk_closed`. */
  close(limitMs: number): Promise<void>
}

/** Its messages are small: more room than this for what is soon garbage would only be memory. */
const YOUNG_MIB = 4

export class DiskThread implements DiskHands {
  readonly #slabs: SharedSlabs
  readonly #file: () => URL
  readonly #pending = new PendingOperations()
  /** Asked for in this turn of the event loop: goes out as one message at its end. */
  #outbox: Operation[] = []
  #worker: Worker | null = null

  constructor(slabs: SharedSlabs, file: () => URL) {
    this.#slabs = slabs
    this.#file = file
  }

  get pendingBytes(): number {
    return this.#pending.bytes
  }

  do<Kind extends OperationKind>(
    kind: Kind,
    path: string,
    bytes: number,
    ...details: OperationArguments<Kind>
  ): Promise<OperationResult<Kind>> {
    const { id, answer } = this.#pending.add<Kind>(path, bytes)
    if (this.#outbox.push([id, kind, ...details] as unknown as Operation) === 1) setImmediate(this.#send)
    return answer
  }

  async close(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)))
    await Promise.race([this.#finish(), timeout])
    clearTimeout(timer)
    this.#pending.failAll('disk_closed', 'the disk did not answer in time and was closed')
    // Not awaited: a thread that hangs in the kernel ends only when its call returns.
    void this.#worker?.terminate()
    this.#worker?.unref()
  }

  async #finish(): Promise<void> {
    await this.#pending.empty()
    const worker = this.#worker
    if (!worker) return
    worker.ref()
    const exit = new Promise((resolve) => worker.once('exit', resolve))
    post(worker, 'close')
    await exit
  }

  readonly #send = (): void => {
    const batch = this.#outbox
    this.#outbox = []
    // A thread that died in this very turn took what was to be sent with it.
    if (batch.length === 0) return
    try {
      this.#worker ??= this.#start()
    } catch (error) {
      this.#fail(`no disk thread could be started: ${(error as Error).message}`)
      return
    }
    this.#worker.ref()
    post(this.#worker, batch)
  }

  #start(): Worker {
    // Own arguments: what the program was started with (loaders, inspectors) is not for this thread.
    const worker = new Worker(this.#file(), {
      name: 'disk',
      workerData: this.#slabs,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    })
    let reason = 'it ended by itself'
    worker.on('message', (replies: readonly Reply[]) => {
      for (const reply of replies) this.#pending.settle(reply)
      // Idle threads keep no process alive.
      if (this.#pending.count === 0) worker.unref()
    })
    worker.on('error', (error) => (reason = error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = null
      this.#fail(`the disk thread has stopped (${reason}); start again`)
    })
    return worker
  }

  #fail(reason: string): void {
    // Whoever waits is told that it failed and may use its slots for something else: none of it may still be carried out.
    this.#outbox = []
    this.#pending.failAll('io_error', reason)
  }
}

function post(worker: Worker, batch: Batch): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows, not for threads
  worker.postMessage(batch)
}

/** In-thread work runs this long before it lets the event loop breathe. */
const TURN_MS = 4

export class DiskInThread implements DiskHands {
  readonly #pending = new PendingOperations()
  readonly #operations: DiskOperations
  readonly #schedule: DiskSchedule
  #running = false

  constructor(slabs: SharedSlabs) {
    this.#operations = new DiskOperations(slabs)
    this.#schedule = new DiskSchedule(this.#operations, (reply) => this.#pending.settle(reply))
  }

  get pendingBytes(): number {
    return this.#pending.bytes
  }

  do<Kind extends OperationKind>(
    kind: Kind,
    path: string,
    bytes: number,
    ...details: OperationArguments<Kind>
  ): Promise<OperationResult<Kind>> {
    const { id, answer } = this.#pending.add<Kind>(path, bytes)
    this.#schedule.add([id, kind, ...details] as unknown as Operation)
    if (!this.#running) {
      this.#running = true
      setImmediate(this.#work)
    }
    return answer
  }

  async close(): Promise<void> {
    await this.#pending.empty()
    this.#operations.close()
  }

  readonly #work = (): void => {
    const start = performance.now()
    while (this.#schedule.step()) {
      if (performance.now() - start < TURN_MS) continue
      setImmediate(this.#work)
      return
    }
    this.#running = false
  }
}

/** For whoever asks after `close`. */
export function diskClosed(path: string): StorageError {
  return new StorageError('disk_closed', `Cannot use ${path === '' ? 'the disk' : path}: the disk is closed`, path)
}
