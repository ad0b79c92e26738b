// Who holds how many of the disk's slots. They are one pool for the whole session; so that no torrent, and no storage
// device that hangs, can hold them all, each is refused beyond half of the pool while another one wants some.
import type { Disk, Slot, Volume } from '../../platform/platform.ts'

export interface SlotHolder {
  readonly volume: Volume
  /** Slots it holds now; the ledger alone writes it. */
  slotsHeld: number
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
    if (holder.slotsHeld >= this.#share(holder)) return -1
    const slot = this.#disk.takeSlot()
    if (slot >= 0) holder.slotsHeld++
    return slot
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

  /** Slots that the holder may have, with what its device's other torrents hold taken into account. */
  #share(holder: SlotHolder): number {
    const half = this.#disk.slotCount >> 1
    let heldByDevice = 0
    let othersOnDevice = false
    let otherDevices = false
    for (const other of this.#holders) {
      if (other === holder) continue
      if (other.volume.device === holder.volume.device) {
        othersOnDevice = true
        heldByDevice += other.slotsHeld
      } else otherDevices = true
    }
    const device = otherDevices ? half - heldByDevice : this.#disk.slotCount
    return othersOnDevice || otherDevices ? Math.min(half, device) : this.#disk.slotCount
  }
}
