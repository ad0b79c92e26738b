// What was written to a connection: first it waits, then the system takes it, then it is on its way until the receiver has it.
import type { ContentKind } from '../disk/stored-form.ts'
import { clearCopied, copyWritten, keepWritten, type WrittenBytes } from './written-bytes.ts'

interface Write {
  readonly bytes: Uint8Array
  readonly onTaken: (() => void) | undefined
}

/** Taken entries at the front of a list are cut off when there are this many. */
const MAX_SPENT = 256

export class SendBuffer {
  readonly #form: ContentKind
  #writes: Write[] = []
  #firstWrite = 0
  /** Bytes of the first write that are taken. */
  #takenOfFirst = 0
  #queuedBytes = 0
  #takenTo = 0
  #limitBytes = 0
  #isFull = false
  #kept: WrittenBytes[] = []
  #firstKept = 0
  /** Callbacks of writes that were taken and not told yet. */
  #untold: (() => void)[] = []

  constructor(form: ContentKind) {
    this.#form = form
  }

  /** Bytes that the system has not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Position in the stream up to which the system has taken what was written. */
  get takenTo(): number {
    return this.#takenTo
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    this.#writes.push({ bytes, onTaken })
    this.#queuedBytes += bytes.length
  }

  /**
   * Room for so many bytes that are not acknowledged yet; it never shrinks. Returns whether that is more than before.
   */
  grow(limitBytes: number): boolean {
    if (limitBytes <= this.#limitBytes) return false
    this.#limitBytes = limitBytes
    this.#isFull = false
    return true
  }

  /**
   * The system takes what it has room for: once it was full, nothing before a third is free, as a program is not woken for
   * every packet. Returns whether it took anything, be it an empty write.
   */
  take(acknowledgedTo: number): boolean {
    let left = this.#limitBytes - (this.#takenTo - acknowledgedTo)
    if (this.#isFull && left < this.#limitBytes / 3) return false
    let hasTaken = false
    while (this.#firstWrite < this.#writes.length) {
      const { bytes, onTaken } = this.#writes[this.#firstWrite]
      const wanted = bytes.length - this.#takenOfFirst
      if (left <= 0 && wanted > 0) break
      // Copied when the system begins to take it: until then, who writes over it changes what is sent, as with a socket.
      if (this.#takenOfFirst === 0 && bytes.length > 0) this.#kept.push(keepWritten(bytes, this.#takenTo, this.#form))
      const taken = Math.min(left, wanted)
      left -= taken
      this.#takenTo += taken
      this.#queuedBytes -= taken
      hasTaken = true
      if (taken < wanted) {
        this.#takenOfFirst += taken
        break
      }
      this.#takenOfFirst = 0
      this.#firstWrite++
      if (onTaken) this.#untold.push(onTaken)
    }
    this.#isFull = this.#queuedBytes > 0
    this.#cutWrites()
    return hasTaken
  }

  /** Writes that have been taken since the last call, the callbacks of those who want to know. */
  takeUntold(): readonly (() => void)[] {
    const untold = this.#untold
    if (untold.length > 0) this.#untold = []
    return untold
  }

  /** What waits is lost. */
  dropQueue(): void {
    this.#writes = []
    this.#firstWrite = 0
    this.#takenOfFirst = 0
    this.#queuedBytes = 0
    this.#untold = []
  }

  /** Nobody will receive anything any more. */
  dropAll(): void {
    this.dropQueue()
    this.#kept = []
    this.#firstKept = 0
  }

  /** Copies what stands from `from` to `to` in the stream to the start of `target`, which must hold zeros. */
  copy(from: number, to: number, target: Uint8Array): void {
    this.#forEachKept(from, to, (kept, begin, end) => copyWritten(kept, begin, end, target, begin - from))
  }

  /** Makes zeros of what `copy` wrote, and forgets everything before `to`: the receiver has it. */
  clear(from: number, to: number, target: Uint8Array): void {
    this.#forEachKept(from, to, (kept, begin, end) => clearCopied(kept, begin, end, target, begin - from))
    while (this.#firstKept < this.#kept.length && this.#kept[this.#firstKept].end <= to) this.#firstKept++
    if (this.#firstKept === this.#kept.length) empty(this.#kept)
    else if (this.#firstKept >= MAX_SPENT) this.#kept.splice(0, this.#firstKept)
    else return
    this.#firstKept = 0
  }

  #forEachKept(from: number, to: number, visit: (kept: WrittenBytes, begin: number, end: number) => void): void {
    for (let i = this.#firstKept; i < this.#kept.length && this.#kept[i].start < to; i++) {
      const kept = this.#kept[i]
      visit(kept, Math.max(from, kept.start), Math.min(to, kept.end))
    }
  }

  #cutWrites(): void {
    if (this.#firstWrite === this.#writes.length) empty(this.#writes)
    else if (this.#firstWrite >= MAX_SPENT) this.#writes.splice(0, this.#firstWrite)
    else return
    this.#firstWrite = 0
  }
}

/** Setting the length would throw the list's memory away, which is needed again at once. */
function empty(list: unknown[]): void {
  while (list.length > 0) list.pop()
}
