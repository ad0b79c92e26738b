import { expect, test } from 'vitest'
import { Bitfield } from '../../base/bitfield.ts'
import { CheckProgress } from './check-progress.ts'

function world(pieces: readonly number[], have: readonly number[] = []) {
  const noted: string[] = []
  let release: () => void = () => {}
  let isHeld = false
  const list = (bits: Bitfield): string => {
    const found: number[] = []
    bits.forEachSet((piece) => found.push(piece))
    return found.join(',')
  }
  const memory = {
    noteCheck: async (had: Bitfield, left: Bitfield) => {
      noted.push(`have ${list(had)} left ${list(left)}`)
      if (isHeld) await new Promise<void>((resolve) => (release = resolve))
    },
  }
  const had = new Bitfield(10)
  for (const piece of have) had.set(piece)
  return {
    noted,
    have: had,
    hold: () => (isHeld = true),
    release: () => release(),
    progress: new CheckProgress(memory, had, pieces, 0),
  }
}

test('a short check is not noted', async () => {
  const { progress, noted } = world([1, 2])
  progress.looked(1, 1000)
  progress.looked(2, 4999)
  await progress.end(false)
  expect(noted).toEqual([])
})

test('a long one is noted every five seconds, with what is left', async () => {
  const { progress, have, noted } = world([1, 2, 3, 4], [0])
  have.set(1)
  progress.looked(1, 5000)
  await progress.end(false)
  progress.looked(2, 9999)
  have.set(3)
  progress.looked(3, 10_000)
  await progress.end(false)
  expect(noted).toEqual(['have 0,1 left 2,3,4', 'have 0,1,3 left 4'])
})

test('one that is interrupted notes what it has found last, after what is being noted', async () => {
  const { progress, have, noted, hold, release } = world([1, 2, 3])
  hold()
  progress.looked(1, 5000)
  have.set(2)
  progress.looked(2, 20_000)
  expect(noted).toHaveLength(1)
  const ended = progress.end(true)
  release()
  await Promise.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  release()
  await ended
  expect(noted).toEqual(['have  left 2,3', 'have 2 left 3'])
})

test('what cannot be noted hinders nothing', async () => {
  const failing = { noteCheck: () => Promise.reject(new Error('full')) }
  const progress = new CheckProgress(failing, new Bitfield(4), [1], 0)
  progress.looked(1, 5000)
  await expect(progress.end(true)).resolves.toBeUndefined()
})
