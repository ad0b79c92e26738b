import { describe, expect, test } from 'vitest'
import { DEFAULT_REQUEST_QUEUE, RequestWindow } from './request-window.ts'

const BLOCK = 16_384
const KIB = 1024
const MIB = 1024 * KIB

interface Link {
  /** From our request to the block, when nothing else is under way. */
  readonly roundTripMs: number
  readonly bytesPerSecond: number
}

/** A peer behind a link that answers in order, and we, asking for as much as the window has room for. */
class Simulation {
  readonly window = new RequestWindow(BLOCK)
  now = 1000
  /** Blocks under way, the next one first. */
  #underWay: { readonly block: number; readonly askedAt: number }[] = []
  #nextBlock = 0
  /** Bytes of the next block that have come through the link. */
  #sent = 0

  constructor(limit = DEFAULT_REQUEST_QUEUE) {
    this.window.limit = limit
  }

  /** Lets time pass; returns the bytes per second that arrived. */
  run({ roundTripMs, bytesPerSecond }: Link, ms: number): number {
    let blocks = 0
    for (const end = this.now + ms; this.now < end; this.now++) {
      for (let room = this.window.room; room > 0; room--) {
        this.window.ask(this.#nextBlock, this.now)
        this.#underWay.push({ block: this.#nextBlock++, askedAt: this.now })
      }
      this.#sent += bytesPerSecond / 1000
      let arrived = 0
      for (const { block, askedAt } of this.#underWay) {
        if (askedAt + roundTripMs > this.now) this.#sent = Math.min(this.#sent, BLOCK)
        if (askedAt + roundTripMs > this.now || this.#sent < BLOCK) break
        this.#sent -= BLOCK
        this.window.settle(block, BLOCK, this.now)
        arrived++
      }
      this.#underWay = this.#underWay.slice(arrived)
      blocks += arrived
    }
    return (blocks * BLOCK * 1000) / ms
  }

  /** How long the link would take for all that is under way. */
  secondsUnderWay({ bytesPerSecond }: Link): number {
    return (this.window.outstanding * BLOCK) / bytesPerSecond
  }
}

describe('how much is asked for', () => {
  test('little at first', () => {
    expect(new RequestWindow(BLOCK).room).toBe(8)
  })

  test('a fast near peer is soon asked for all that it takes', () => {
    const simulation = new Simulation(2000)
    simulation.run({ roundTripMs: 1, bytesPerSecond: 100 * MIB }, 2000)
    expect(simulation.run({ roundTripMs: 1, bytesPerSecond: 100 * MIB }, 2000)).toBeGreaterThan(95 * MIB)
  })

  test('a long fat link is filled within seconds, and stays so', () => {
    const link = { roundTripMs: 300, bytesPerSecond: 10 * MIB }
    const simulation = new Simulation(2000)
    simulation.run(link, 5000)
    for (let second = 0; second < 30; second++) expect(simulation.run(link, 1000)).toBeGreaterThan(9.5 * MIB)
  })

  test('no more than the peer takes at once', () => {
    const simulation = new Simulation(50)
    simulation.run({ roundTripMs: 300, bytesPerSecond: 10 * MIB }, 10_000)
    expect(simulation.window.size).toBe(50)
    expect(simulation.window.outstanding).toBeLessThanOrEqual(50)
    simulation.window.limit = 20
    expect(simulation.window.room).toBe(0)
  })

  test('of a slow peer, what it brings in its round trip and a second, so that little waits in vain', () => {
    const link = { roundTripMs: 100, bytesPerSecond: 256 * KIB }
    const simulation = new Simulation()
    simulation.run(link, 60_000)
    expect(simulation.secondsUnderWay(link)).toBeGreaterThan(0.1)
    expect(simulation.secondsUnderWay(link)).toBeLessThan(1.5)
    expect(simulation.run(link, 5000)).toBeGreaterThan(250 * KIB)
  })

  test('a peer that becomes slow is asked for less, one that becomes fast for more', () => {
    const slow = { roundTripMs: 50, bytesPerSecond: 128 * KIB }
    const fast = { roundTripMs: 50, bytesPerSecond: 20 * MIB }
    const simulation = new Simulation(2000)
    simulation.run(fast, 5000)
    const atFirst = simulation.window.size
    simulation.run(slow, 60_000)
    expect(simulation.window.size).toBeLessThan(atFirst / 10)
    simulation.run(fast, 10_000)
    expect(simulation.run(fast, 2000)).toBeGreaterThan(19 * MIB)
  })

  test('one bad second on a long link does not undo it', () => {
    const link = { roundTripMs: 300, bytesPerSecond: 10 * MIB }
    const simulation = new Simulation(2000)
    simulation.run(link, 5000)
    simulation.run({ roundTripMs: 300, bytesPerSecond: 100 * KIB }, 1000)
    simulation.run(link, 3000)
    expect(simulation.run(link, 2000)).toBeGreaterThan(9 * MIB)
  })
})

describe('what is under way', () => {
  test('is known by block, and settled once', () => {
    const window = new RequestWindow(BLOCK)
    window.ask(7, 0)
    window.ask(9, 0)
    expect([window.has(7), window.has(8), window.outstanding]).toEqual([true, false, 2])
    expect([window.settle(7, BLOCK, 10), window.settle(7, BLOCK, 10)]).toEqual([true, false])
    expect([window.drop(9), window.drop(9)]).toEqual([true, false])
    expect(window.outstanding).toBe(0)
  })

  test('is forgotten all at once, and told', () => {
    const window = new RequestWindow(BLOCK)
    for (const block of [3, 1, 2]) window.ask(block, 0)
    expect([...window.blocks()]).toEqual([3, 1, 2])
    expect(window.dropAll()).toEqual([3, 1, 2])
    expect([window.outstanding, window.room]).toEqual([0, 8])
  })

  test('a long silence between two requests is not taken for slowness', () => {
    const link = { roundTripMs: 20, bytesPerSecond: 10 * MIB }
    const simulation = new Simulation(2000)
    simulation.run(link, 3000)
    const before = simulation.window.size
    simulation.window.dropAll()
    const window = simulation.window
    const later = simulation.now + 3_600_000
    for (let i = 0; i < 30; i++) window.ask(1_000_000 + i, later)
    for (let i = 0; i < 30; i++) window.settle(1_000_000 + i, BLOCK, later + 20 + 10 * i)
    expect(window.size).toBeGreaterThanOrEqual(before / 4)
  })
})
