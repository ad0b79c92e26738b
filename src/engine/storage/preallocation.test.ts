import { expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { StorageError } from '../../base/errors.ts'
import type { Volume } from '../../platform/platform.ts'
import { preallocate } from './preallocation.ts'

const MIB = 2 ** 20
const files = [
  { path: '/d/a', length: 20 * MIB },
  { path: '/d/empty', length: 0 },
  { path: '/d/b', length: 5 },
]

/** Takes the space of the files. @param steps the disk's answer to the first ones may be an error */
async function run({ stopAfter = Infinity, error = null as StorageError | null } = {}) {
  const disk = new FakeDisk()
  const volume = disk.volume()
  const steps: string[] = []
  const touched: number[] = []
  const progress: number[] = []
  const reserving: Volume = Object.assign(volume, {
    reserve: async (path: string, offset: number, length: number) => {
      steps.push(`${path} ${offset / MIB} ${length}`)
      if (error) throw error
    },
  })
  await preallocate({
    volume: reserving,
    files,
    onTouched: (file) => touched.push(file),
    onProgress: (done, total) => progress.push(done / total),
    isStopped: () => steps.length >= stopAfter,
  })
  return { steps, touched, progress }
}

test('the space of each file is taken in steps, one after the other, and told', async () => {
  const { steps, touched, progress } = await run()
  expect(steps).toEqual([`/d/a 0 ${8 * MIB}`, `/d/a 8 ${8 * MIB}`, `/d/a 16 ${4 * MIB}`, '/d/b 0 5'])
  expect(touched).toEqual([0, 0, 0, 2])
  expect(progress).toHaveLength(4)
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  expect(progress.at(-1)).toBe(1)
})

test('it can be stopped between two steps', async () => {
  expect((await run({ stopAfter: 2 })).steps).toHaveLength(2)
})

test('a disk that has no room ends it', async () => {
  const error = new StorageError('disk_full', 'Cannot write /d/a: the disk is full', '/d/a')
  await expect(run({ error })).rejects.toBe(error)
})
