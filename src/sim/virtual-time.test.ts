import { expect, test } from 'vitest'
import { settle } from './settle.ts'
import { VirtualTime } from './virtual-time.ts'

const never = (): boolean => false

test('what is planned for one time runs in the order of planning, and what that plans for now comes after it', async () => {
  const time = new VirtualTime(settle)
  const log: string[] = []
  time.at(5, () => log.push('late'))
  time.at(2, () => {
    log.push('a')
    time.at(0, () => log.push('c'))
  })
  time.at(2, () => log.push('b'))
  time.at(20, () => {})
  await time.run(10, never)
  expect(log).toEqual(['a', 'b', 'c', 'late'])
  expect(time.nowUs).toBe(10)
})

test('who waits for a promise has its turn, however often it waits, before time goes on', async () => {
  const time = new VirtualTime(settle)
  const log: string[] = []
  const work = async (): Promise<void> => {
    await new Promise<void>((resolve) =>
      time.at(1, () => {
        resolve()
        time.promiseSettled()
      }),
    )
    for (let i = 0; i < 100; i++) await Promise.resolve()
    log.push(`worked at ${time.nowUs}`)
    time.at(0, () => log.push(`went on at ${time.nowUs}`))
  }
  time.at(2, () => log.push('two'))
  const working = work()
  await time.run(10, never)
  await working
  expect(log).toEqual(['worked at 1', 'went on at 1', 'two'])
})

test('a stopped action does not run', async () => {
  const time = new VirtualTime(settle)
  const log: string[] = []
  const stop = time.at(1, () => log.push('stopped'))
  time.at(1, () => log.push('runs'))
  stop()
  stop()
  await time.run(10, never)
  expect(log).toEqual(['runs'])
})

test('it hops only when a promise was settled, or after a while', async () => {
  let hops = 0
  const time = new VirtualTime(async () => {
    hops++
  })
  for (let at = 0; at < 1000; at++) time.at(at, () => {})
  await time.run(1000, never)
  expect(hops).toBe(1)
  for (let at = 1000; at < 101_000; at += 100) time.at(at, () => {})
  await time.run(101_000, never)
  expect(hops).toBeLessThan(15)
})

test('it ends when that holds for which it runs, when the time is over, or when nothing is left', async () => {
  const time = new VirtualTime(settle)
  let isDone = false
  time.at(50_000, () => {
    isDone = true
    time.promiseSettled()
  })
  time.at(60_000, () => {})
  expect(await time.run(10_000, () => isDone)).toBe('end')
  expect(time.nowUs).toBe(10_000)
  expect(await time.run(Infinity, () => isDone)).toBe('over')
  expect(time.nowUs).toBe(50_000)
  expect(await time.run(Infinity, never)).toBe('nothing_left')
  expect(time.nowUs).toBe(60_000)
})

test('an error of an action ends the run, and another run is possible', async () => {
  const time = new VirtualTime(settle)
  time.at(1, () => {
    throw new Error('bug')
  })
  await expect(time.run(10, never)).rejects.toThrow('bug')
  expect(await time.run(10, never)).toBe('nothing_left')
})

test('two runs at once are refused', async () => {
  const time = new VirtualTime(settle)
  const first = time.run(10, never)
  await expect(time.run(10, never)).rejects.toThrow(TypeError)
  await first
})
