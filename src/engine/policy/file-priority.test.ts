import { expect, test } from 'vitest'
import { piecePriorities } from './file-priority.ts'

/** Files one after the other, in pieces of 4 bytes. @param files `length:priority` each */
function priorities(files: string, pieceCount: number): string {
  let offset = 0
  const placed = files.split(' ').map((file) => {
    const [length, priority] = file.split(':').map(Number)
    const place = { offset, length, priority }
    offset += length
    return place
  })
  return piecePriorities(placed, 4, pieceCount).join('')
}

test('a piece has the priority of its file', () => {
  expect(priorities('8:4 4:7 4:0', 4)).toBe('4470')
})

test('a piece that two files share has the higher one', () => {
  expect(priorities('6:1 6:7', 3)).toBe('177')
  expect(priorities('6:7 6:0', 3)).toBe('770')
})

test('many small files in one piece, the highest counts; an empty one does not', () => {
  expect(priorities('1:1 1:5 1:2 1:3 0:7', 1)).toBe('5')
})
