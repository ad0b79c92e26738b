// Keeps how far each group of a swarm had got at each moment: what the chart of a run is drawn from.

export interface ProgressSample {
  readonly timeMs: number
  /** Parts of the content, 0 to 1, over the members of the group that are there. */
  readonly slowest: number
  readonly median: number
  readonly quickest: number
}

export class ProgressRecorder {
  readonly #groups = new Map<string, ProgressSample[]>()

  /** In the order in which they were seen first. */
  get groups(): ReadonlyMap<string, readonly ProgressSample[]> {
    return this.#groups
  }

  add(group: string, timeMs: number, progress: readonly number[]): void {
    if (progress.length === 0) return
    const sorted = [...progress].sort((a, b) => a - b)
    let samples = this.#groups.get(group)
    if (!samples) this.#groups.set(group, (samples = []))
    samples.push({ timeMs, slowest: sorted[0], median: sorted[sorted.length >> 1], quickest: sorted.at(-1)! })
  }
}
