import { expect, test } from 'vitest'
import { Simulator } from './index.ts'

test('a node tells how many of its timers are still to come', async () => {
  const sim = new Simulator({ seed: 1 })
  const node = sim.node('10.0.0.1')
  const { clock } = node.platform
  const stopTicking = clock.every(10, () => {})
  const stopAfter = clock.after(1000, () => {})
  clock.after(50, () => {})
  expect(node.timers).toBe(3)
  await sim.run({ untilMs: 100 })
  expect(node.timers).toBe(2)
  stopAfter()
  stopAfter()
  expect(node.timers).toBe(1)
  stopTicking()
  expect(node.timers).toBe(0)
})
