import { expect, test } from 'vitest'
import { SEGMENT_BYTES, TcpWindow } from './tcp-window.ts'

/** The window in packets, after each round trip in which all of it was sent and `lostIn` decides what was lost. */
function draw(rounds: number, lostIn: (round: number) => 'loss' | 'timeout' | null): string {
  const window = new TcpWindow()
  const sizes: number[] = []
  for (let round = 0; round < rounds; round++) {
    const flight = window.congestionWindow
    const lost = lostIn(round)
    if (lost === 'loss') repair(window)
    else if (lost === 'timeout') window.onTimeout()
    else for (let sent = 0; sent < flight; sent += SEGMENT_BYTES) window.onAcknowledged(SEGMENT_BYTES, flight, true)
    sizes.push(Math.floor(window.congestionWindow / SEGMENT_BYTES))
  }
  return sizes.join(' ')
}

/** Loses the first packet of a full window, and sends what the window allows until it is acknowledged. */
function repair(window: TcpWindow): readonly number[] {
  const whole = window.congestionWindow / SEGMENT_BYTES
  // The flight in packets, less the one that is lost.
  let flight = whole - 1
  window.onLoss()
  const sent: number[] = []
  for (let arrived = 1; arrived < whole; arrived++) {
    flight--
    window.onDelivered(SEGMENT_BYTES, flight * SEGMENT_BYTES)
    const packets = Math.max(0, Math.floor(window.congestionWindow / SEGMENT_BYTES - flight))
    window.onSent(packets * SEGMENT_BYTES)
    flight += packets
    sent.push(packets)
  }
  window.onRepaired()
  return sent
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

test('while a loss is repaired, every other packet that arrives lets one go, until half a window is on its way', () => {
  expect(repair(new TcpWindow()).join(' ')).toBe('1 0 0 1 0 0 1 1 1')
})

test('what could not be sent during a repair is made up for at once, up to half the window', () => {
  const window = new TcpWindow()
  window.onLoss()
  // Nine of ten have arrived, and only the lost one was sent again: the writer had no more.
  for (let flight = 8; flight >= 1; flight--) window.onDelivered(SEGMENT_BYTES, flight * SEGMENT_BYTES)
  window.onSent(SEGMENT_BYTES)
  window.onDelivered(SEGMENT_BYTES, SEGMENT_BYTES)
  expect(window.congestionWindow).toBe(5 * SEGMENT_BYTES)
})

test('a window that is not used does not grow', () => {
  const window = new TcpWindow()
  const before = window.congestionWindow
  for (let i = 0; i < 100; i++) window.onAcknowledged(SEGMENT_BYTES, before / 2, false)
  expect(window.congestionWindow).toBe(before)
})

test('after a pause a large window shrinks to the first one', () => {
  const window = new TcpWindow()
  window.onRoundTrip(100_000)
  for (let i = 0; i < 90; i++) window.onAcknowledged(SEGMENT_BYTES, 0, true)
  window.onIdle(100_000)
  expect(window.congestionWindow).toBe(100 * SEGMENT_BYTES)
  window.onIdle(10_000_000)
  expect(window.congestionWindow).toBe(10 * SEGMENT_BYTES)
})

test('in slow start it is enough to use half of it', () => {
  const window = new TcpWindow()
  const before = window.congestionWindow
  window.onAcknowledged(SEGMENT_BYTES, before / 2 + 1, false)
  expect(window.congestionWindow).toBe(before + SEGMENT_BYTES)
})

test('the time-out follows the round trips, allows for 200 ms more, and doubles each time', () => {
  const window = new TcpWindow()
  expect(window.timeoutUs).toBe(1_000_000)
  for (let i = 0; i < 100; i++) window.onRoundTrip(20_000)
  expect(window.timeoutUs).toBe(220_000)
  for (let i = 0; i < 200; i++) window.onRoundTrip(i % 2 === 0 ? 300_000 : 500_000)
  expect(window.timeoutUs).toBeGreaterThan(600_000)
  expect(window.timeoutUs).toBeLessThan(1_000_000)
  const once = window.timeoutUs
  window.onTimeout()
  window.onTimeout()
  expect(window.timeoutUs).toBe(4 * once)
  expect(window.timeoutsInRow).toBe(2)
  window.onAcknowledged(1448, 0, true)
  expect(window.timeoutUs).toBe(once)
})
