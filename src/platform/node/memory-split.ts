// How the one budget of memory is divided: slots for blocks on their way in, frames for blocks on their way out, and the
// buffers that the work on them takes. All of it is fixed from the start, so that no swarm and no slow disk makes it grow.
// What the program itself takes (Node, its threads, some kilobytes a peer) is not in it.
import { FRAME_BYTES, SLOT_BYTES } from './disk-memory.ts'

const MIB = 1 << 20

/** Bytes. */
export const DEFAULT_MEMORY = 128 * MIB
/** Bytes: frames for some peers at once, and slots for pieces of any length, the larger ones by way of the disk. */
export const MIN_MEMORY = 16 * MIB

/** The buffer that all connections receive into; see `TcpConnection`. */
const RECEIVE_BYTES = MIB
/** Blocks that arrive a second time, and answers that are put together from several blocks. */
const COPIES_BYTES = 2 * MIB
/** What a thread reads into to hash it; see `DiskOperations`. */
const THREAD_BYTES = MIB

export interface MemorySplit {
  readonly slotCount: number
  readonly frameCount: number
}

/**
 * Two thirds for what comes in, since a slow disk holds that up; one third for what goes out, which can be read again.
 * Throws RangeError for a budget that is too small.
 * @param bytes the budget
 * @param workers threads of a storage device. Those of further devices in use, and those that would leave less than half of
 * the budget, take their 1 MiB each beyond it
 */
export function splitMemory(bytes: number, workers: number): MemorySplit {
  if (!Number.isSafeInteger(bytes) || bytes < MIN_MEMORY)
    throw new RangeError(`Cannot work within ${bytes} bytes of memory: ${MIN_MEMORY} are the least`)
  const work = RECEIVE_BYTES + COPIES_BYTES + Math.max(1, workers) * THREAD_BYTES
  const content = Math.max(bytes / 2, bytes - work)
  const frameCount = Math.floor(content / 3 / FRAME_BYTES)
  const slotCount = Math.floor((content - frameCount * FRAME_BYTES) / SLOT_BYTES)
  return { slotCount, frameCount }
}
