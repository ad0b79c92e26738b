import { expect, test } from 'vitest'
import { clearCopied, copyWritten, keepWritten } from './written-bytes.ts'

const FRAMED = 13 + 16_384

/** Piece messages whose blocks begin with a tag, as the simulated disk makes them. */
function blocks(count: number, lastLength = 16_384): Uint8Array {
  const bytes = new Uint8Array((count - 1) * FRAMED + 13 + lastLength)
  for (let i = 0; i < count; i++) {
    const at = i * FRAMED
    new DataView(bytes.buffer).setUint32(at, 9 + (i === count - 1 ? lastLength : 16_384))
    bytes[at + 4] = 7
    bytes.fill(i + 1, at + 5, at + 29)
  }
  return bytes
}

/** What a receiver gets that reads in pieces of `step` bytes. */
function passOn(bytes: Uint8Array, step: number): { got: Uint8Array; isCleared: boolean; kept: number } {
  const written = keepWritten(bytes, 1000, 'tags')
  const got = new Uint8Array(bytes.length)
  const buffer = new Uint8Array(step + 3)
  let isCleared = true
  for (let at = 0; at < bytes.length; at += step) {
    const to = Math.min(bytes.length, at + step)
    copyWritten(written, 1000 + at, 1000 + to, buffer, 3)
    got.set(buffer.subarray(3, 3 + to - at), at)
    clearCopied(written, 1000 + at, 1000 + to, buffer, 3)
    isCleared &&= buffer.every((byte) => byte === 0)
  }
  return { got, isCleared, kept: written.kept.length }
}

test.each([
  ['one block', blocks(1)],
  ['several blocks', blocks(5)],
  ['a shorter block at the end', blocks(3, 100)],
])('of %s only the heads are kept, and the receiver gets all of it, however it is cut', (_, bytes) => {
  for (const step of [1448, 16_384, 31, 65_536]) {
    const { got, isCleared, kept } = passOn(bytes, step)
    expect(got).toEqual(bytes)
    expect(isCleared).toBe(true)
    expect(kept).toBe(29 * Math.ceil(bytes.length / FRAMED))
  }
})

test.each([
  ['small messages', Uint8Array.of(0, 0, 0, 5, 4, 0, 0, 0, 9)],
  ['a block of another size before others', new Uint8Array([...blocks(1, 50), ...blocks(1)])],
  ['something large that is no block', new Uint8Array(100_000).fill(9)],
])('%s is kept whole', (_, bytes) => {
  const { got, isCleared, kept } = passOn(bytes, 1448)
  expect(got).toEqual(bytes)
  expect(isCleared).toBe(true)
  expect(kept).toBe(bytes.length)
})

test('what is kept does not change with what was written', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const written = keepWritten(bytes, 0, 'bytes')
  bytes.fill(0)
  expect([...written.kept]).toEqual([1, 2, 3])
})
