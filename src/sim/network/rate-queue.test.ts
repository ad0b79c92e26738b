import { expect, test } from 'vitest'
import { RateQueue } from './rate-queue.ts'

/** One byte per microsecond. */
const queue = (bufferBytes = 10_000): RateQueue => new RateQueue({ bytesPerSecond: 1_000_000, bufferBytes })

test('each byte takes its time, one after the other', () => {
  const line = queue()
  expect(line.accept(0, 1500)).toBe(1500)
  expect(line.accept(0, 500)).toBe(2000)
  expect(line.waitingBytes(0)).toBe(2000)
  expect(line.waitingBytes(1500)).toBe(500)
})

test('an idle line begins anew', () => {
  const line = queue()
  line.accept(0, 1000)
  expect(line.accept(5000, 1000)).toBe(6000)
  expect(line.acceptedBytes).toBe(2000)
})

test('packets for which there is no room are dropped, those before them are not', () => {
  const line = queue(4000)
  line.accept(0, 2000)
  expect(line.room(0, 1000, 5)).toBe(2)
  line.accept(0, 2000)
  expect(line.room(0, 1000, 5)).toBe(0)
  expect(line.room(1000, 1000, 5)).toBe(1)
})

test('an empty line takes one packet, however small its buffer', () => {
  const line = queue(0)
  expect(line.room(0, 1500, 3)).toBe(1)
  line.accept(0, 1500)
  expect(line.room(1000, 1500, 1)).toBe(0)
  expect(line.room(1500, 1500, 1)).toBe(1)
})

test('without a rate nothing waits and everything fits', () => {
  const line = new RateQueue({ bytesPerSecond: 0, bufferBytes: 0 })
  expect(line.accept(7, 1e9)).toBe(7)
  expect(line.room(7, 1500, 1000)).toBe(1000)
  expect([line.serviceUs(1e9), line.waitingBytes(7)]).toEqual([0, 0])
})
