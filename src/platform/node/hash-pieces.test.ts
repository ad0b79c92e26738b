import { expect, test } from 'vitest'
import type { FileSpan, Volume } from '../platform.ts'
import { hashPieces } from './hash-pieces.ts'

const spansOf = (piece: number): FileSpan[] => [{ path: '/f', offset: piece, length: 1 }]

/** A volume whose answers the test gives, in any order; a digest is one byte, the piece's number. */
function volume() {
  const asked: { piece: number; resolve: (digest: Uint8Array | null) => void; reject: (error: Error) => void }[] = []
  const hash = (spans: readonly FileSpan[]): Promise<Uint8Array | null> =>
    new Promise((resolve, reject) => asked.push({ piece: spans[0].offset, resolve, reject }))
  return { asked, volume: { hash } as Partial<Volume> as Volume }
}

/** Lets everything happen that waits for nothing but promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('digests come in order of the pieces, however the volume answers', async () => {
  const { asked, volume: disk } = volume()
  const told: number[] = []
  const digests = hashPieces(disk, 5, spansOf, { inFlight: 3, onPiece: (piece) => told.push(piece) })
  expect(asked).toHaveLength(3)
  asked[2].resolve(Uint8Array.of(2))
  asked[1].resolve(null)
  await settle()
  expect(told).toEqual([])
  asked[0].resolve(Uint8Array.of(0))
  await settle()
  expect(told).toEqual([0, 1, 2])
  expect(asked).toHaveLength(5)
  asked[4].resolve(Uint8Array.of(4))
  asked[3].resolve(Uint8Array.of(3))
  expect(await digests).toEqual([Uint8Array.of(0), null, Uint8Array.of(2), Uint8Array.of(3), Uint8Array.of(4)])
})

test('the first failure ends it', async () => {
  const { asked, volume: disk } = volume()
  const digests = hashPieces(disk, 5, spansOf, { inFlight: 2 })
  asked[1].reject(new Error('second'))
  asked[0].reject(new Error('first'))
  await expect(digests).rejects.toThrow('first')
  expect(asked).toHaveLength(2)
})

test('can be given up', async () => {
  const { asked, volume: disk } = volume()
  const controller = new AbortController()
  const digests = hashPieces(disk, 5, spansOf, { inFlight: 1, signal: controller.signal })
  controller.abort(new Error('enough'))
  asked[0].resolve(Uint8Array.of(0))
  await expect(digests).rejects.toThrow('enough')
})
