import { describe, expect, test } from 'vitest'
import { changedLimits, keptOutstanding, NO_LIMITS } from './rate-limits.ts'

const BEFORE = { down: 1000, up: 200 }

describe('a change', () => {
  test('of one limit leaves the other as it was', () => {
    expect(changedLimits({ up: 5 }, BEFORE)).toEqual({ down: 1000, up: 5 })
    expect(changedLimits({ down: 5 }, BEFORE)).toEqual({ down: 5, up: 200 })
    expect(changedLimits({}, BEFORE)).toEqual(BEFORE)
  })

  test('to 0 takes a limit away', () => {
    expect(changedLimits({ down: 0, up: 0 }, BEFORE)).toEqual(NO_LIMITS)
  })

  test.each([NaN, Infinity, -1])('to %s is refused, in words that say which limit and whose', (rate) => {
    const expected = `${rate}: expected bytes per second, 0 (no limit) or more`
    expect(() => changedLimits({ down: rate }, BEFORE)).toThrow(
      new TypeError(`Cannot limit the rate of receiving to ${expected}`),
    )
    expect(() => changedLimits({ up: rate }, BEFORE, ' of all torrents')).toThrow(
      new TypeError(`Cannot limit the rate of sending of all torrents to ${expected}`),
    )
  })
})

describe('what stays asked for', () => {
  test.each([
    [1000, 400],
    [0, 400],
  ])('when the download limit falls from %i to %i is a second of the new rate', (before, after) => {
    expect(keptOutstanding({ down: after, up: 0 }, { down: before, up: 0 })).toBe(after)
  })

  test.each([
    [400, 1000],
    [400, 400],
    [400, 0],
    [0, 0],
  ])('when it goes from %i to %i is everything', (before, after) => {
    expect(keptOutstanding({ down: after, up: 0 }, { down: before, up: 0 })).toBe(Infinity)
  })
})
