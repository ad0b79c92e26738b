import { describe, expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { FilePlaces } from './file-places.ts'

const PIECE = 100
const PARTS = '/d/.parts'

/** Files one after the other in pieces of 100 bytes. @param paths empty for padding */
function places(files: readonly (readonly [path: string, length: number])[]): FilePlaces {
  let offset = 0
  const placed = files.map(([, length]) => {
    const file = { length, offset }
    offset += length
    return file
  })
  const map = new PieceMap({ pieceLength: PIECE, totalSize: offset, files: placed })
  return new FilePlaces({ map, paths: files.map(([path]) => path), partsPath: PARTS })
}

/** Pieces 0 and 1: a; 1: a, b, c; 2: c; 3: c and d; 4: d. */
const several = (): FilePlaces =>
  places([
    ['/d/a', 150],
    ['/d/b', 20],
    ['/d/none', 0],
    ['/d/c', 160],
    ['/d/d', 150],
  ])

describe('pieces that files share', () => {
  test('are at the ends of files', () => {
    expect([0, 1, 2, 3, 4].map((file) => several().sharedPieces(file))).toEqual([[1], [1], [], [1, 3], [3]])
    expect(several().sharedRange).toEqual({ first: 1, last: 3 })
  })

  test('are none where files end with pieces, or padding follows', () => {
    const padded = places([
      ['/d/a', 150],
      ['', 50],
      ['/d/b', 100],
      ['/d/c', 30],
    ])
    expect([0, 1, 2, 3].flatMap((file) => padded.sharedPieces(file))).toEqual([])
    expect(padded.sharedRange).toBeNull()
  })
})

describe('a run of bytes lies', () => {
  test('in the file itself', () => {
    expect(several().span({ file: 3, offset: 0, length: 30 }, 1, 70)).toEqual({ path: '/d/c', offset: 0, length: 30 })
  })

  test('in the parts file, at the place of the shared piece, when the file is skipped', () => {
    const found = several()
    found.setInParts(3, true)
    expect(found.span({ file: 3, offset: 0, length: 30 }, 1, 70)).toEqual({ path: PARTS, offset: 70, length: 30 })
    expect(found.span({ file: 3, offset: 130, length: 30 }, 3, 0)).toEqual({ path: PARTS, offset: PIECE, length: 30 })
  })

  test('in the file itself all the same, when no other has bytes of the piece', () => {
    const found = several()
    found.setInParts(3, true)
    expect(found.span({ file: 3, offset: 30, length: 100 }, 2, 0).path).toBe('/d/c')
  })
})

describe('looking where files are', () => {
  const found = async (there: readonly string[], skipped: readonly number[] = []): Promise<number[]> => {
    const disk = new FakeDisk()
    for (const path of there) disk.put(path, new Uint8Array(1))
    const all = several()
    await all.find(disk.volume(), (file) => skipped.includes(file))
    return [0, 1, 2, 3, 4].filter((file) => all.isInParts(file))
  }

  test('without a parts file, those that are skipped and not there will have one', async () => {
    expect(await found(['/d/a'])).toEqual([])
    expect(await found(['/d/a'], [0, 1, 2])).toEqual([1])
  })

  test('with a parts file, all that are not there may have bytes in it', async () => {
    expect(await found(['/d/a', PARTS])).toEqual([1, 3, 4])
  })
})

describe('a file that is wanted', () => {
  test('gets what the parts file has of the verified pieces', async () => {
    const disk = new FakeDisk()
    disk.put(
      PARTS,
      Uint8Array.from({ length: 2 * PIECE }, (_, i) => i),
    )
    const all = several()
    all.setInParts(3, true)
    await all.moveOut(3, disk.volume(), (piece) => piece === 3)
    expect(all.isInParts(3)).toBe(false)
    expect(all.isEmpty).toBe(true)
    const file = disk.files.get('/d/c')!
    expect(file.length).toBe(160)
    expect([...file.subarray(130)]).toEqual(Array.from({ length: 30 }, (_, i) => 100 + i))
    expect(file.subarray(0, 130).every((byte) => byte === 0)).toBe(true)
  })

  test('is not made of nothing', async () => {
    const disk = new FakeDisk()
    const all = several()
    all.setInParts(3, true)
    await all.moveOut(3, disk.volume(), () => false)
    expect([...disk.files.keys()]).toEqual([])
  })
})

test('a file among thousands in one piece is moved without a look at the others', async () => {
  const files = Array.from({ length: 5000 }, (_, i) => ({ offset: i, length: 1 }))
  const map = new PieceMap({ pieceLength: 5000, totalSize: 5000, files })
  const found = new FilePlaces({ map, paths: files.map((_, i) => `/d/${i}`), partsPath: PARTS })
  const disk = new FakeDisk()
  disk.put(PARTS, new Uint8Array(5000).fill(7))
  for (const file of files.keys()) found.setInParts(file, true)
  map.filesOf = () => {
    throw new Error('All files of the piece were looked for')
  }
  for (const file of [0, 2500, 4999]) await found.moveOut(file, disk.volume(), () => true)
  expect([...disk.files.keys()]).toEqual([PARTS, '/d/0', '/d/2500', '/d/4999'])
})
