import { expect, test } from 'vitest'
import { type FlowSample, FlowWatch } from './flow-watch.ts'

const SECOND = 1000
const quiet: FlowSample = { downRate: 0, isServed: false, isMemoryShort: false, pendingWrites: 0, diskAnswers: 0 }

/** A watch that saw these samples, one a second, the first at second 0; and the time of the last. */
function seen(...samples: Partial<FlowSample>[]): [FlowWatch, number] {
  const watch = new FlowWatch()
  for (const [second, sample] of samples.entries()) watch.sample({ ...quiet, ...sample }, second * SECOND)
  return [watch, (samples.length - 1) * SECOND]
}

test('one sample a second is enough', () => {
  const watch = new FlowWatch()
  expect(watch.isDue(0)).toBe(true)
  watch.sample(quiet, 0)
  expect([watch.isDue(900), watch.isDue(1000)]).toEqual([false, true])
})

test('the best rate stays', () => {
  expect(seen({ downRate: 5 }, { downRate: 9 }, { downRate: 2 })[0].bestRate).toBe(9)
})

test('who serves us without a break is told from who has begun anew', () => {
  const [watch, now] = seen({ isServed: true }, {}, { isServed: true }, { isServed: true })
  expect(watch.servedMs(now)).toBe(SECOND)
  expect(seen({ isServed: true }, {})[0].servedMs(SECOND)).toBe(0)
})

test('a disk is silent from the moment when work waits until it answers any of it', () => {
  const [silent, now] = seen({}, { pendingWrites: 1 }, { pendingWrites: 2 }, { pendingWrites: 2 })
  expect(silent.diskSilentMs(now)).toBe(2 * SECOND)
  const [busy, later] = seen({ pendingWrites: 2 }, { pendingWrites: 2 }, { pendingWrites: 2, diskAnswers: 1 })
  expect(busy.diskSilentMs(later)).toBe(0)
  expect(seen({ pendingWrites: 1 }, {})[0].diskSilentMs(SECOND)).toBe(0)
})

test('memory is short for a part of the last five seconds', () => {
  const short = { isMemoryShort: true }
  expect(seen(short)[0].memoryShortShare()).toBeCloseTo(0.2)
  expect(seen(short, {}, short, {}, short, {})[0].memoryShortShare()).toBeCloseTo(0.4)
})

test('the disk’s rate is that of what it has stored', () => {
  const watch = new FlowWatch()
  for (const second of [0, 1, 2, 3]) watch.onStored(4000, second * SECOND)
  expect(watch.diskRate(4 * SECOND)).toBe(4000)
})
