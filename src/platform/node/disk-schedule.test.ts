import { expect, test } from 'vitest'
import type { Operation, Reply } from './disk-messages.ts'
import { DiskSchedule } from './disk-schedule.ts'

const commit = (id: number): Operation => [id, 'commit', [], 0, '', false, []]
const read = (id: number): Operation => [id, 'read', 0, []]
const hash = (id: number): Operation => [id, 'hash', []]

/** A schedule over operations of three parts each; `log` tells which were begun, resumed and answered. */
function schedule(fail?: number) {
  const log: string[] = []
  const replies: Reply[] = []
  const operations = {
    *run(operation: Operation) {
      const name = `${operation[1]} ${operation[0]}`
      for (let part = 1; part <= 3; part++) {
        log.push(`${name}.${part}`)
        if (operation[0] === fail && part === 2) throw new TypeError('bug')
        if (part < 3) yield
      }
      return null
    },
  }
  return { log, replies, schedule: new DiskSchedule(operations, (reply) => replies.push(reply)) }
}

test('what is equally urgent is done in order', () => {
  const { log, schedule: work } = schedule()
  work.add(commit(1))
  work.add(commit(2))
  while (work.step());
  expect(log).toEqual(['commit 1.1', 'commit 1.2', 'commit 1.3', 'commit 2.1', 'commit 2.2', 'commit 2.3'])
})

test('a commit pauses for a read, and checking pauses for both', () => {
  const { log, replies, schedule: work } = schedule()
  work.add(hash(1))
  work.step()
  work.add(commit(2))
  work.step()
  work.add(read(3))
  while (work.step());
  expect(log).toEqual([
    'hash 1.1',
    'commit 2.1',
    'read 3.1',
    'read 3.2',
    'read 3.3',
    'commit 2.2',
    'commit 2.3',
    'hash 1.2',
    'hash 1.3',
  ])
  expect(replies).toEqual([3, 2, 1].map((id) => [id, true, null]))
})

test('a failed operation is answered, and the next one goes on', () => {
  const { replies, schedule: work } = schedule(1)
  work.add(commit(1))
  work.add(commit(2))
  while (work.step());
  expect(replies.map((reply) => reply.slice(0, 2))).toEqual([
    [1, false],
    [2, true],
  ])
  expect(replies[0][2]).toBe('io_error')
})
