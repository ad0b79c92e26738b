// Looks at every member each second: how long was anybody without a block that wanted one?
import type { Member } from './member.ts'
import type { SwarmWorld } from './world.ts'

const SAMPLE_MS = 1000

export class StallWatch {
  /** The longest that anybody has waited so far. */
  longestMs = 0
  readonly #world: SwarmWorld
  readonly #lastSeen = new Map<Member, { readonly downloaded: number; readonly atMs: number }>()

  constructor(world: SwarmWorld) {
    this.#world = world
  }

  /** Lets time pass, and watches. */
  async pass(ms: number): Promise<void> {
    for (const endMs = this.#world.nowMs + ms; this.#world.nowMs < endMs;) {
      await this.#world.pass(Math.min(SAMPLE_MS, endMs - this.#world.nowMs))
      for (const member of this.#world.leechers) this.#look(member)
    }
  }

  #look(member: Member): void {
    if (!member.isHere || member.completedAtMs !== null) return
    const { nowMs } = this.#world
    const { downloaded } = member
    const last = this.#lastSeen.get(member)
    if (last?.downloaded === downloaded) this.longestMs = Math.max(this.longestMs, nowMs - last.atMs)
    else this.#lastSeen.set(member, { downloaded, atMs: nowMs })
  }
}
