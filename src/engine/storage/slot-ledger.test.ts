import { describe, expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import type { Slot, Volume } from '../../platform/platform.ts'
import { type SlotHolder, SlotLedger } from './slot-ledger.ts'

const SLOTS = 16

/** A torrent that takes slots and, when it is asked to, gives back what is above its fair share. */
class Torrent implements SlotHolder {
  readonly volume: Volume
  slotsHeld = 0
  isStubborn = false
  readonly slots: Slot[] = []
  readonly #ledger: SlotLedger

  constructor(ledger: SlotLedger, volume: Volume) {
    this.#ledger = ledger
    this.volume = volume
    ledger.enter(this)
  }

  /** Takes as many as it gets, at most `most`. */
  grab(most = SLOTS): number {
    for (let i = 0; i < most; i++) {
      const slot = this.#ledger.take(this)
      if (slot < 0) return i
      this.slots.push(slot)
    }
    return most
  }

  give(count: number): void {
    for (const slot of this.slots.splice(0, count)) this.#ledger.give(this, slot)
  }

  onSlotsWanted(fairShare: number): void {
    if (!this.isStubborn) this.give(Math.ceil(this.slotsHeld - fairShare))
  }
}

function world() {
  const disk = new FakeDisk({ slotCount: SLOTS })
  const ledger = new SlotLedger(disk)
  const [ssd, usb] = [disk.volume({}), disk.volume({})]
  return { disk, ledger, torrent: (volume = ssd) => new Torrent(ledger, volume), usb }
}

test('alone, a torrent has nearly all; a few stay for whoever comes', () => {
  const { disk, torrent } = world()
  expect(torrent().grab()).toBe(14)
  expect(disk.freeSlots).toBe(2)
})

test('slots that are given back can be taken again', () => {
  const { torrent } = world()
  const alone = torrent()
  alone.grab()
  alone.give(5)
  expect(alone.slotsHeld).toBe(9)
  expect(alone.grab()).toBe(5)
})

describe('while others want slots', () => {
  test('no torrent has more than half', () => {
    const { torrent } = world()
    const [first, second] = [torrent(), torrent()]
    expect([first.grab(), second.grab()]).toEqual([8, 8])
  })

  test('no device has more than half', () => {
    const { torrent, usb } = world()
    const [first, second, other] = [torrent(), torrent(), torrent(usb)]
    expect(first.grab() + second.grab()).toBe(8)
    expect(other.grab()).toBe(8)
  })

  test('who has none gets its fair share of what the others have', () => {
    const { torrent } = world()
    const [first, second, third] = [torrent(), torrent(), torrent()]
    first.grab()
    second.grab()
    third.grab()
    // What was asked back has come by now.
    third.grab()
    expect(third.slotsHeld).toBeGreaterThanOrEqual(Math.floor(SLOTS / 3))
  })

  test('two torrents of one device share its half', () => {
    const { torrent, usb } = world()
    const [first, second] = [torrent(), torrent()]
    torrent(usb).grab()
    first.grab()
    second.grab()
    second.grab()
    expect(second.slotsHeld).toBeGreaterThan(0)
  })

  test('a newcomer gets slots though one had nearly all', () => {
    const { torrent } = world()
    torrent().grab()
    const newcomer = torrent()
    newcomer.grab()
    newcomer.grab()
    expect(newcomer.slotsHeld).toBe(SLOTS / 2)
  })

  test('a device that hangs, and gives nothing back, leaves a few for a newcomer', () => {
    const { torrent, usb } = world()
    const hanging = torrent(usb)
    hanging.isStubborn = true
    hanging.grab()
    expect(torrent().grab()).toBe(2)
  })

  test('when the others have left, it has nearly all again', () => {
    const { ledger, torrent } = world()
    const [first, second] = [torrent(), torrent()]
    first.grab()
    second.grab()
    second.give(SLOTS)
    ledger.leave(second)
    first.grab()
    expect(first.slotsHeld).toBe(14)
  })
})

describe('when to spill', () => {
  test('not while a quarter of what it may have is free', () => {
    const { ledger, torrent } = world()
    const alone = torrent()
    alone.grab(10)
    expect(ledger.isShort(alone, 0)).toBe(false)
    alone.grab(1)
    expect(ledger.isShort(alone, 0)).toBe(true)
  })

  test('not when most of what it holds comes back by itself', () => {
    const { ledger, torrent } = world()
    const alone = torrent()
    alone.grab(12)
    expect(ledger.isShort(alone, 4)).toBe(true)
    expect(ledger.isShort(alone, 6)).toBe(false)
  })
})
