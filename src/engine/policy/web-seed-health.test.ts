import { expect, test } from 'vitest'
import { WebSeedHealth } from './web-seed-health.ts'

const TROUBLE = { code: 'http_503', reason: 'it answers 503' }

test('each failure in a row doubles the wait, up to ten minutes; content ends that', () => {
  const health = new WebSeedHealth()
  const waits: number[] = []
  let now = 0
  for (let i = 0; i < 9; i++) {
    health.failed(TROUBLE, null, now, 0)
    const wait = health.waitMs(now)!
    waits.push(wait / 1000)
    expect(health.isReady(now + wait - 1)).toBe(false)
    now += wait
    expect(health.isReady(now)).toBe(true)
  }
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600])
  expect(health.trouble).toEqual(TROUBLE)
  health.succeeded()
  expect(health.trouble).toBe(null)
  health.failed(TROUBLE, null, now, 1)
  expect(health.waitMs(now)).toBe(6250)
})

test.each([
  [0, 1],
  [120, 120],
  [86_400, 3600],
])('a server that asks for %i s is left alone for %i s', (asked, waited) => {
  const health = new WebSeedHealth()
  health.failed(TROUBLE, asked * 1000, 0, 0.5)
  expect(health.waitMs(0)).toBe(waited * 1000)
})

test('with another network it is asked at once, unless it has asked for time itself', () => {
  const health = new WebSeedHealth()
  for (let i = 0; i < 5; i++) health.failed(TROUBLE, null, 0, 0)
  health.recall()
  expect(health.isReady(0)).toBe(true)
  health.failed(TROUBLE, null, 0, 0)
  expect(health.waitMs(0)).toBe(5000)
  health.failed(TROUBLE, 120_000, 0, 0)
  health.recall()
  expect(health.waitMs(0)).toBe(120_000)
})

test('who has been given up is never ready again', () => {
  const health = new WebSeedHealth()
  health.giveUp({ code: 'corrupt_data', reason: 'it sent wrong data' })
  expect(health.isReady(1e12)).toBe(false)
  expect(health.waitMs(0)).toBe(null)
})
