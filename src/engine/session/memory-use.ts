// What a session has in memory of content on its way, against its budget. The budget is kept by the disk's pools of slots and
// frames, which are all there is; here it is only told.
import { formatBytes } from '../../base/format.ts'
import type { Disk } from '../../platform/platform.ts'
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'

/** All in bytes, over all torrents. */
export interface MemoryUse {
  /** The most that content on its way and the work on it take. */
  readonly budget: number
  /** On its way in: received and not yet written, and room kept for what was asked for. */
  readonly incoming: number
  /** As much of the budget is for that. When it is used up, nothing is asked for until the disk has caught up. */
  readonly incomingMost: number
  /** On its way out: being sent, or kept because somebody may ask for it again. */
  readonly outgoing: number
  readonly outgoingMost: number
}

export function memoryUse(disk: Disk): MemoryUse {
  const frameBytes = disk.frameBlocks * BLOCK_BYTES
  return {
    budget: disk.memoryBudget,
    incoming: (disk.slotCount - disk.freeSlots) * disk.slotBytes,
    incomingMost: disk.slotCount * disk.slotBytes,
    outgoing: (disk.frameCount - disk.freeFrames) * frameBytes,
    outgoingMost: disk.frameCount * frameBytes,
  }
}

/** For the log. */
export function memorySentence({ incoming, incomingMost, outgoing, outgoingMost }: MemoryUse): string {
  const of = (bytes: number, most: number): string => `${formatBytes(bytes)} of ${formatBytes(most)}`
  return `Memory: content on its way in takes ${of(incoming, incomingMost)}, on its way out ${of(outgoing, outgoingMost)}`
}
