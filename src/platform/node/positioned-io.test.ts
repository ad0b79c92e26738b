import { expect, test } from 'vitest'
import { concatBytes } from '../../base/bytes.ts'
import { readFully, writeFully } from './positioned-io.ts'

const content = Uint8Array.from({ length: 100 }, (_, i) => i)
const inParts = (...ends: number[]): Uint8Array[] => ends.map((end, i) => content.subarray(ends[i - 1] ?? 0, end))

test.each([1, 7, 30, 33, 99, 100])('writes all although the system takes only %i bytes at a time', (most) => {
  const stored = new Uint8Array(120)
  const takeSome = (_fd: number, buffers: readonly Uint8Array[], position: number): number => {
    const taken = concatBytes([...buffers]).subarray(0, most)
    stored.set(taken, position)
    return taken.length
  }
  writeFully(0, inParts(30, 31, 64, 100), 20, '/f', takeSome)
  expect(stored.subarray(20)).toEqual(content)
})

test('a system that takes nothing has no room left', () => {
  const writing = (): void => writeFully(0, [content], 5, '/f', () => 0)
  expect(writing).toThrow(expect.objectContaining({ code: 'disk_full', path: '/f' }))
})

test('an error of the system names the path', () => {
  const writing = (): void =>
    writeFully(0, [content], 0, '/f', () => {
      throw Object.assign(new Error('write'), { code: 'ENOSPC' })
    })
  expect(writing).toThrow(expect.objectContaining({ code: 'disk_full', path: '/f' }))
})

test('no call is given more buffers than systems take', () => {
  const sizes: number[] = []
  const many = Array.from({ length: 2500 }, () => new Uint8Array(1))
  writeFully(0, many, 0, '/f', (_fd, buffers) => {
    sizes.push(buffers.length)
    return buffers.length
  })
  expect(sizes).toEqual([1024, 1024, 452])
})

test.each([
  [1, 100],
  [7, 100],
  [64, 100],
  [7, 51],
  [7, 0],
])('reads what is there although the system gives only %i bytes at a time: %i bytes', (most, fileLength) => {
  const giveSome = (_fd: number, buffers: readonly Uint8Array[], position: number): number => {
    const [first] = buffers
    const part = content.subarray(position, Math.min(position + most, fileLength)).subarray(0, first.length)
    first.set(part)
    return part.length
  }
  const buffers = [new Uint8Array(30), new Uint8Array(1), new Uint8Array(69)]
  expect(readFully(0, buffers, 0, '/f', giveSome)).toBe(fileLength)
  expect(concatBytes(buffers).subarray(0, fileLength)).toEqual(content.subarray(0, fileLength))
})
