// Who holds how many of the disk's slots. They are one pool for the whole session, so three rules keep one torrent, or one
// storage device that hangs, from stopping all others:
// - while others want slots, no torrent and no device gets more than half of the pool; alone, seven eighths;
// - who finds the pool empty, and has less than its fair share, makes those with more give some back (by spilling).
import type { Disk, Slot, Volume } from '../../platform/platform.ts'

export interface SlotHolder {
  readonly volume: Volume
  /** Slots it holds now; the ledger alone writes it. */
  slotsHeld: number
  /** Others wait: the holder writes out what it can, until it is down to so many slots. */
  onSlotsWanted(fairShare: number): void
}

export class SlotLedger {
  readonly #disk: Disk
  readonly #holders = new Set<SlotHolder>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** From now on the holder wants slots. */
  enter(holder: SlotHolder): void {
    this.#holders.add(holder)
  }

  /** The holder wants no more; it still returns those it has. */
  leave(holder: SlotHolder): void {
    this.#holders.delete(holder)
  }

  /** A slot, or -1 when the holder (or its device) has its share or all are taken. */
  take(holder: SlotHolder): Slot {
    const slot = holder.slotsHeld < this.#share(holder) ? this.#disk.takeSlot() : -1
    if (slot >= 0) holder.slotsHeld++
    else this.#reclaimFor(holder)
    return slot
  }

  /** Slots that the holder could take now. */
  roomFor(holder: SlotHolder): number {
    return Math.min(this.#share(holder) - holder.slotsHeld, this.#disk.freeSlots)
  }

  give(holder: SlotHolder, slot: Slot): void {
    holder.slotsHeld--
    this.#disk.returnSlot(slot)
  }

  /**
   * True when less than a quarter of what the holder may have is free, and most of it is not about to be: time to spill.
   * @param returning slots among those it holds that come back by themselves, with the next answers of the disk
   */
  isShort(holder: SlotHolder, returning: number): boolean {
    const share = this.#share(holder)
    if (Math.min(share - holder.slotsHeld, this.#disk.freeSlots) >= share / 4) return false
    return holder.slotsHeld - returning > share / 2
  }

  #reclaimFor(holder: SlotHolder): void {
    const fair = this.#disk.slotCount / Math.max(1, this.#holders.size)
    if (holder.slotsHeld >= fair) return
    for (const other of this.#holders) if (other.slotsHeld > fair) other.onSlotsWanted(fair)
  }

  /** Slots that the holder may have at most, with what its device's other torrents hold taken into account. */
  #share(holder: SlotHolder): number {
    const half = this.#disk.slotCount >> 1
    let heldByNeighbours = 0
    let hasOthers = false
    let hasOtherDevices = false
    for (const other of this.#holders) {
      if (other === holder) continue
      hasOthers = true
      if (other.volume.device === holder.volume.device) heldByNeighbours += other.slotsHeld
      else hasOtherDevices = true
    }
    if (!hasOthers) return this.#disk.slotCount - (this.#disk.slotCount >> 3)
    return hasOtherDevices ? half - heldByNeighbours : half
  }
}
