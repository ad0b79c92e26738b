import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRandomContent } from './random-content.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-demo-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function content(name: string, bytes: number, seed: number): Promise<Buffer> {
  const path = join(folder, name)
  await writeRandomContent(path, bytes, seed)
  return readFile(path)
}

test('the same seed gives the same content, another gives another', async () => {
  const [first, again, other] = await Promise.all([
    content('first', 100_000, 1),
    content('again', 100_000, 1),
    content('other', 100_000, 2),
  ])
  expect(first.length).toBe(100_000)
  expect(first.equals(again)).toBe(true)
  expect(first.equals(other)).toBe(false)
})

test('a longer content begins like a shorter one, across the borders of chunks', async () => {
  const long = await content('long', 5_000_000, 3)
  const short = await content('short', 4_500_000, 3)
  expect(long.subarray(0, short.length).equals(short)).toBe(true)
  expect(long.subarray(4 * 1024 ** 2).every((byte) => byte === 0)).toBe(false)
})

test('what lies beyond in the file is left alone', async () => {
  const path = join(folder, 'kept')
  await writeFile(path, new Uint8Array(10).fill(7))
  await writeRandomContent(path, 5, 1)
  expect((await readFile(path)).subarray(5)).toEqual(Buffer.alloc(5, 7))
})
