import { expect, test } from 'vitest'
import { SEGMENT_BYTES, TcpWindow } from './tcp-window.ts'

/** The window in packets, after each round trip in which all of it was sent and `lostIn` decides what was lost. */
function draw(rounds: number, lostIn: (round: number) => 'loss' | 'timeout' | null): string {
  const window = new TcpWindow()
  const sizes: number[] = []
  for (let round = 0; round < rounds; round++) {
    const flight = window.congestionWindow
    const lost = lostIn(round)
    if (lost === 'loss') window.onLoss(flight)
    else if (lost === 'timeout') window.onTimeout(flight)
    else for (let sent = 0; sent < flight; sent += SEGMENT_BYTES) window.onAcknowledged(SEGMENT_BYTES, true)
    sizes.push(Math.floor(window.congestionWindow / SEGMENT_BYTES))
  }
  return sizes.join(' ')
}

test('slow start doubles each round trip', () => {
  expect(draw(5, () => null)).toBe('20 40 80 160 320')
})

test('a loss halves, then one packet is added per round trip', () => {
  expect(draw(8, (round) => (round === 2 ? 'loss' : null))).toBe('20 40 20 20 21 22 23 24')
})

test('a time-out begins with one packet, and doubles up to half of what it was', () => {
  expect(draw(9, (round) => (round === 2 ? 'timeout' : null))).toBe('20 40 1 2 4 8 16 20 21')
})

test('never fewer than two packets after a loss', () => {
  expect(draw(6, () => 'loss')).toBe('5 2 2 2 2 2')
})

test('a window that is not used does not grow', () => {
  const window = new TcpWindow()
  const before = window.congestionWindow
  for (let i = 0; i < 100; i++) window.onAcknowledged(SEGMENT_BYTES, false)
  expect(window.congestionWindow).toBe(before)
})

test('after a pause a large window shrinks to the first one', () => {
  const window = new TcpWindow()
  window.onRoundTrip(100_000)
  for (let i = 0; i < 90; i++) window.onAcknowledged(SEGMENT_BYTES, true)
  window.onIdle(100_000)
  expect(window.congestionWindow).toBe(100 * SEGMENT_BYTES)
  window.onIdle(10_000_000)
  expect(window.congestionWindow).toBe(10 * SEGMENT_BYTES)
})

test('the time-out follows the round trips, is at least 200 ms, and doubles each time', () => {
  const window = new TcpWindow()
  expect(window.timeoutUs).toBe(1_000_000)
  for (let i = 0; i < 100; i++) window.onRoundTrip(20_000)
  expect(window.timeoutUs).toBe(200_000)
  for (let i = 0; i < 200; i++) window.onRoundTrip(i % 2 === 0 ? 300_000 : 500_000)
  expect(window.timeoutUs).toBeGreaterThan(600_000)
  expect(window.timeoutUs).toBeLessThan(1_000_000)
  const once = window.timeoutUs
  window.onTimeout(10_000)
  window.onTimeout(1448)
  expect(window.timeoutUs).toBe(4 * once)
  expect(window.timeoutsInRow).toBe(2)
  window.onAcknowledged(1448, true)
  expect(window.timeoutUs).toBe(once)
})
