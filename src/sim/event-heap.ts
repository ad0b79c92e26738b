// What happens next: a heap of planned calls, ordered by time and, within the same microsecond, by the order of planning.
// A swarm of a thousand has tens of millions of them, so an entry is four cells in four arrays, and no object.
import type { TimeTarget } from './timeline.ts'

/** Children per entry: with four the heap is half as deep as with two, and moves fewer entries. */
const ARITY = 4
const FIRST_CAPACITY = 1024

export class EventHeap {
  #size = 0
  #sequence = 0
  #times = new Float64Array(FIRST_CAPACITY)
  #sequences = new Float64Array(FIRST_CAPACITY)
  readonly #targets: (TimeTarget | null)[] = []
  readonly #arguments: number[] = []
  /** Of the entry that was taken last. */
  #takenTarget: TimeTarget | null = null
  #takenArgument = 0

  get size(): number {
    return this.#size
  }

  /** Time of the first entry; Infinity when there is none. */
  get firstTime(): number {
    return this.#size === 0 ? Infinity : this.#times[0]
  }

  push(timeUs: number, target: TimeTarget, argument: number): void {
    if (this.#size === this.#times.length) this.#grow()
    const times = this.#times
    // Every parent that comes later moves down; a new entry has the highest sequence number, so that time alone decides.
    let at = this.#size++
    while (at > 0) {
      const parent = Math.floor((at - 1) / ARITY)
      if (times[parent] <= timeUs) break
      this.#move(parent, at)
      at = parent
    }
    this.#put(at, timeUs, this.#sequence++, target, argument)
  }

  /** Removes the first entry; what it was follows from `takenTarget` and `takenArgument`. False when there is none. */
  take(): boolean {
    if (this.#size === 0) return false
    this.#takenTarget = this.#targets[0]
    this.#takenArgument = this.#arguments[0]
    const last = --this.#size
    const time = this.#times[last]
    const sequence = this.#sequences[last]
    const target = this.#targets[last]
    const argument = this.#arguments[last]
    this.#targets[last] = null
    if (last > 0) this.#sink(time, sequence, target!, argument)
    return true
  }

  get takenTarget(): TimeTarget {
    return this.#takenTarget!
  }

  get takenArgument(): number {
    return this.#takenArgument
  }

  /** Finds the place of an entry, beginning at the top, which is free. */
  #sink(time: number, sequence: number, target: TimeTarget, argument: number): void {
    const times = this.#times
    const sequences = this.#sequences
    const size = this.#size
    let at = 0
    for (;;) {
      const firstChild = at * ARITY + 1
      if (firstChild >= size) break
      const end = Math.min(firstChild + ARITY, size)
      let least = firstChild
      for (let child = firstChild + 1; child < end; child++) {
        if (times[child] < times[least] || (times[child] === times[least] && sequences[child] < sequences[least]))
          least = child
      }
      if (times[least] > time || (times[least] === time && sequences[least] > sequence)) break
      this.#move(least, at)
      at = least
    }
    this.#put(at, time, sequence, target, argument)
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]
    this.#sequences[to] = this.#sequences[from]
    this.#targets[to] = this.#targets[from]
    this.#arguments[to] = this.#arguments[from]
  }

  #put(at: number, time: number, sequence: number, target: TimeTarget, argument: number): void {
    this.#times[at] = time
    this.#sequences[at] = sequence
    this.#targets[at] = target
    this.#arguments[at] = argument
  }

  #grow(): void {
    const capacity = 2 * this.#times.length
    const times = new Float64Array(capacity)
    const sequences = new Float64Array(capacity)
    times.set(this.#times)
    sequences.set(this.#sequences)
    this.#times = times
    this.#sequences = sequences
  }
}
