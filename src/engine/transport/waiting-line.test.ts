import { describe, expect, test } from 'vitest'
import { WaitingLine } from './waiting-line.ts'

const BLOCK = 10

/** Each wants so many bytes per heartbeat, and takes whole blocks. Returns what each got. */
function beats(line: WaitingLine<string>, wishes: Readonly<Record<string, number>>, perBeat: number, count: number) {
  const got = new Map(Object.keys(wishes).map((name) => [name, 0]))
  let credit = 0
  for (let beat = 0; beat < count; beat++) {
    const wants = new Map(Object.entries(wishes))
    for (const name of wants.keys()) line.join(name)
    credit += perBeat
    credit -= line.serve(credit, (name, share) => {
      const wanted = wants.get(name)!
      const bytes = Math.min(wanted, Math.max(1, Math.floor(share / BLOCK)) * BLOCK)
      wants.set(name, wanted - bytes)
      got.set(name, got.get(name)! + bytes)
      if (wanted > bytes) line.join(name)
      return bytes
    })
  }
  return Object.fromEntries(got)
}

describe('shares', () => {
  test.each([1, 2, 3, 8, 50])('are equal among %i, also when a heartbeat has less than a block for each', (count) => {
    const names = Array.from({ length: count }, (_, i) => `peer ${i}`)
    for (const perBeat of [3, 17, 100, 1234]) {
      const got = Object.values(beats(new WaitingLine(), Object.fromEntries(names.map((n) => [n, 1e6])), perBeat, 200))
      expect(Math.max(...got) - Math.min(...got)).toBeLessThanOrEqual(2 * BLOCK)
      const sum = got.reduce((total, bytes) => total + bytes, 0)
      expect(Math.abs(sum - 200 * perBeat)).toBeLessThanOrEqual(BLOCK)
    }
  })

  test('that some do not take go to the others', () => {
    expect(beats(new WaitingLine(), { small: 10, big: 1000, other: 1000 }, 210, 10)).toEqual({
      small: 100,
      big: 1000,
      other: 1000,
    })
  })

  test('without end let everybody take what it wants', () => {
    const line = new WaitingLine<string>()
    const wants: Record<string, number> = { a: 2, b: 5 }
    for (const name of Object.keys(wants)) line.join(name)
    const taken = line.serve(Infinity, (name, share) => {
      expect(share).toBe(Infinity)
      if (wants[name]-- > 1) line.join(name)
      return BLOCK
    })
    expect([taken, line.isEmpty]).toEqual([7 * BLOCK, true])
  })
})

describe('turns', () => {
  const serveOne = (line: WaitingLine<string>): string => {
    let served = ''
    line.serve(1, (name) => {
      served += name
      line.join(name)
      return BLOCK
    })
    return served
  }

  test('go round', () => {
    const line = new WaitingLine<string>()
    for (const name of ['a', 'b', 'c']) line.join(name)
    expect(Array.from({ length: 7 }, () => serveOne(line)).join('')).toBe('abcabca')
  })

  test('are kept by those who join again, and lost by those who leave', () => {
    const line = new WaitingLine<string>()
    for (const name of ['a', 'b', 'c', 'a']) line.join(name)
    line.leave('b')
    expect([serveOne(line), serveOne(line), serveOne(line)].join('')).toBe('aca')
    expect(line.leaveAll()).toEqual(['c', 'a'])
    expect([line.isEmpty, serveOne(line)]).toEqual([true, ''])
  })

  test('are nobody`s when there is nothing to share out', () => {
    const line = new WaitingLine<string>()
    line.join('a')
    expect([line.serve(0, () => BLOCK), line.serve(-5, () => BLOCK), line.isEmpty]).toEqual([0, 0, false])
  })

  test('end for whoever takes nothing', () => {
    const line = new WaitingLine<string>()
    for (const name of ['a', 'b']) line.join(name)
    expect(line.serve(100, () => 0)).toBe(0)
    expect(line.isEmpty).toBe(true)
  })
})
