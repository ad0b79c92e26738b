import { expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import type { TrackerError } from '../../base/errors.ts'
import { AnnounceQueue, MAX_PER_SECOND, MAX_UNANSWERED } from './announce-queue.ts'
import { MAX_PER_SECOND_AND_HOST, MAX_UNANSWERED_PER_HOST, type Occasion } from './host-line.ts'

/** A queue with its heartbeat. What begins is written down, with the seconds in front: `0.1 a`. */
function world() {
  const clock = new FakeClock()
  const queue = new AnnounceQueue(clock)
  clock.every(100, () => queue.tick(clock.now()))
  const begun: string[] = []
  const failed: string[] = []
  const ends: (() => void)[] = []
  return {
    clock,
    queue,
    begun,
    failed,
    /** Something to be said to the host; it takes `ms`, or without that, until `ends` are called. */
    ask: (
      name: string,
      host: string,
      { occasion = 'regular' as Occasion, ms = -1, signal = undefined as AbortSignal | undefined } = {},
    ) => {
      // prettier-ignore
      const work = (): Promise<void> => {
        begun.push(`${clock.now() / 1000} ${name}`)
        return new Promise((resolve) => (ms < 0 ? ends.push(resolve) : clock.after(ms, resolve)))
      }
      void queue.run(work, { host, occasion, signal }).catch((error: TrackerError) => {
        failed.push(`${clock.now() / 1000} ${name} ${error.code}`)
      })
    },
    end: (count: number): void => {
      for (const end of ends.splice(0, count)) end()
    },
  }
}

/** How many of these times (seconds in front) lie within one second at most. */
function mostWithinASecond(lines: readonly string[]): number {
  const times = lines.map((line) => Number.parseFloat(line))
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1).length))
}

test('where nobody waits, a turn comes at once', async () => {
  const { clock, ask, begun } = world()
  ask('one', 'a')
  ask('two', 'b')
  await clock.pass(0)
  expect(begun).toEqual(['0 one', '0 two'])
})

test('a host is asked so often within a second, and no more', async () => {
  const { clock, ask, begun } = world()
  for (let i = 0; i < 200; i++) ask(String(i), 'a', { ms: 10 })
  await clock.pass(11_000)
  expect(begun.length).toBe(200)
  expect(mostWithinASecond(begun)).toBeLessThanOrEqual(MAX_PER_SECOND_AND_HOST)
})

test('all hosts together are asked so often within a second, and take turns', async () => {
  const { clock, ask, begun, queue } = world()
  for (const host of ['a', 'b', 'c', 'd', 'e']) for (let i = 0; i < 100; i++) ask(host, host, { ms: 10 })
  await clock.pass(3000)
  expect(mostWithinASecond(begun)).toBeLessThanOrEqual(MAX_PER_SECOND)
  const counts = ['a', 'b', 'c', 'd', 'e'].map((host) => begun.filter((line) => line.endsWith(host)).length)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(5)
  await clock.pass(10_000)
  expect([begun.length, queue.waiting]).toEqual([500, 0])
})

test('of one host so many are under way at once, and over all hosts so many', async () => {
  const { clock, ask, begun, end } = world()
  for (let i = 0; i < 20; i++) ask('x', 'a')
  await clock.pass(5000)
  expect(begun.length).toBe(MAX_UNANSWERED_PER_HOST)
  end(3)
  await clock.pass(100)
  expect(begun.length).toBe(MAX_UNANSWERED_PER_HOST + 3)
  for (let i = 0; i < 100; i++) ask('y', `host ${i}`)
  await clock.pass(4000)
  expect(begun.length - 3).toBe(MAX_UNANSWERED)
})

test('turns alternate between the newest that is new and who waits longest', async () => {
  const { clock, ask, begun } = world()
  // What may be asked at once is used up.
  for (let i = 0; i < 5; i++) ask('x', 'a', { ms: 1 })
  await clock.pass(0)
  begun.length = 0
  for (const name of ['r1', 'r2']) ask(name, 'a', { ms: 1 })
  for (const name of ['f1', 'f2', 'f3', 'f4']) ask(name, 'a', { ms: 1, occasion: 'first' })
  await clock.pass(3000)
  expect(begun.map((line) => line.split(' ')[1])).toEqual(['r1', 'f4', 'r2', 'f3', 'f1', 'f2'])
})

test('who leaves goes first, and at no pace', async () => {
  const { clock, ask, begun } = world()
  for (let i = 0; i < 100; i++) ask('stays', 'a', { ms: 20 })
  for (let i = 0; i < 100; i++) ask('leaves', 'a', { ms: 20, occasion: 'leaving' })
  await clock.pass(1100)
  expect(begun.filter((line) => line.endsWith('leaves')).length).toBe(100)
})

test('the place of one who leaves is the next one’s at once; a host that answers gives them more', async () => {
  const { clock, ask, begun } = world()
  ask('before', 'a', { ms: 20 })
  await clock.pass(100)
  for (let i = 0; i < 1000; i++) ask('leaves', 'a', { ms: 50, occasion: 'leaving' })
  await clock.pass(3000)
  expect(begun.filter((line) => line.endsWith('leaves')).length).toBe(1000)
})

test('dead hosts do not keep those who leave from telling the living', async () => {
  const { clock, ask, begun } = world()
  for (let host = 0; host < 15; host++) for (let i = 0; i < 100; i++) ask('x', `dead ${host}`, { occasion: 'leaving' })
  for (let i = 0; i < 100; i++) ask('good', 'alive', { ms: 50, occasion: 'leaving' })
  await clock.pass(3000)
  expect(begun.filter((line) => line.endsWith('good')).length).toBe(100)
  expect(begun.filter((line) => line.endsWith('x')).length).toBe(15 * MAX_UNANSWERED_PER_HOST)
})

test('a host that answers nobody is not waited for, until it answers again', async () => {
  const { clock, ask, begun, failed, end } = world()
  for (let i = 0; i < MAX_UNANSWERED_PER_HOST + 2; i++) ask('x', 'dead')
  await clock.pass(9000)
  expect([begun.length, failed]).toEqual([MAX_UNANSWERED_PER_HOST, []])
  await clock.pass(2000)
  expect(failed.map((line) => line.slice(line.indexOf('x')))).toEqual(['x tracker_silent', 'x tracker_silent'])
  ask('late', 'dead')
  await clock.pass(0)
  expect(failed.at(-1)).toBe('11 late tracker_silent')
  end(1)
  await clock.pass(0)
  ask('probe', 'dead')
  await clock.pass(0)
  expect(begun.at(-1)).toBe('11 probe')
})

test('hosts that answer nobody do not hold up the others for long', async () => {
  const { clock, ask, begun } = world()
  for (let host = 0; host < 20; host++) {
    for (let i = 0; i < MAX_UNANSWERED_PER_HOST; i++) ask('x', `dead ${host}`)
  }
  await clock.pass(5000)
  ask('good', 'alive')
  await clock.pass(15_000)
  expect(begun.some((line) => line.endsWith('good'))).toBe(true)
})

test('who is no longer wanted waits no longer', async () => {
  const { clock, queue, ask, begun, failed } = world()
  const controller = new AbortController()
  for (let i = 0; i < MAX_UNANSWERED_PER_HOST; i++) ask('x', 'a')
  ask('ended', 'a', { signal: controller.signal, occasion: 'first' })
  ask('ended before', 'a', { signal: AbortSignal.abort() })
  expect(queue.waiting).toBeGreaterThan(0)
  controller.abort()
  await clock.pass(5000)
  expect(failed.toSorted()).toEqual(['0 ended aborted', '0 ended before aborted'])
  expect(begun.length).toBe(MAX_UNANSWERED_PER_HOST)
  expect(queue.waiting).toBe(0)
})
