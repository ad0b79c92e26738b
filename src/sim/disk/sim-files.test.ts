import { array, assert, boolean, integer, nat, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../seeded-random.ts'
import type { SimFile } from './sim-file.ts'
import { SimFiles } from './sim-files.ts'

const BLOCK = 16_384

/** A device at a time that the test sets. */
function device(options: ConstructorParameters<typeof SimFiles>[1] = {}) {
  const now = { us: 0 }
  const files = new SimFiles(() => now.us, options)
  const write = (path: string, offset: number, bytes: Uint8Array | string): void => {
    const stored = typeof bytes === 'string' ? Uint8Array.from(bytes, (each) => each.charCodeAt(0)) : bytes
    files.write(path, files.make(path, 'bytes'), offset, stored.length, stored)
  }
  return { now, files, write }
}

function contentOf(file: SimFile | null): Uint8Array | null {
  if (!file) return null
  const bytes = new Uint8Array(file.length)
  file.read(0, bytes)
  return bytes
}

function textOf(file: SimFile | null): string | null {
  const bytes = contentOf(file)
  return bytes && String.fromCharCode(...bytes)
}

/** What power cuts with many seeds leave of the file, each once, in alphabetical order. */
function afterPowerCuts(prepare: () => SimFiles, path: string): string[] {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 100; seed++) {
    const files = prepare()
    files.powerCut(new SeededRandom(`${seed}`))
    outcomes.add(textOf(files.find(path)) ?? 'no file')
  }
  return [...outcomes].toSorted()
}

describe('files', () => {
  test('hold what was written, with zeros in between', () => {
    const { files, write } = device()
    write('/a/b', 3, 'xyz')
    write('/a/b', 4, '!')
    expect(textOf(files.find('/a/b'))).toBe('\0\0\0x!z')
    write('/a/b', 2 * BLOCK - 1, 'over')
    const content = contentOf(files.find('/a/b'))!
    expect(content.length).toBe(2 * BLOCK + 3)
    expect(String.fromCharCode(...content.subarray(2 * BLOCK - 2))).toBe('\0over')
  })

  test('take up space by blocks, and holes take none', () => {
    const { files, write } = device()
    files.lengthen(files.make('/sparse', 'bytes'), 1e12)
    expect(files.usedBytes).toBe(0)
    write('/sparse', 5e11, 'x')
    write('/sparse', 5e11 + 1, 'x')
    write('/small', 0, 'x')
    expect(files.usedBytes).toBe(2 * BLOCK)
    files.remove('/sparse')
    expect(files.usedBytes).toBe(BLOCK)
  })

  test('a full device takes the blocks that it has room for, and can still be written where something was', () => {
    const { files, write } = device({ capacityBytes: 2.5 * BLOCK })
    const bytes = new Uint8Array(3 * BLOCK).fill(7)
    expect(() => write('/file', 100, bytes)).toThrow(expect.objectContaining({ code: 'disk_full', path: '/file' }))
    expect(files.find('/file')!.length).toBe(2 * BLOCK)
    expect(files.usedBytes).toBe(2 * BLOCK)
    write('/file', 0, new Uint8Array(2 * BLOCK))
    files.capacityBytes = 3 * BLOCK
    write('/file', 2 * BLOCK, 'more')
    expect(() => write('/other', 0, 'x')).toThrow('Cannot write /other: the disk is full')
  })

  test('are renamed over others, and removed with their folder', () => {
    const { files, write } = device()
    write('/a/new', 0, 'new')
    write('/a/old', 0, 'old')
    files.rename('/a/new', '/a/old')
    expect(files.paths).toEqual(['/a/old'])
    expect(textOf(files.find('/a/old'))).toBe('new')
    files.remove('/a')
    expect(files.has('/a') || files.has('/a/old')).toBe(false)
    expect(() => files.rename('/a/new', '/x')).toThrow(expect.objectContaining({ code: 'not_found' }))
  })
})

describe('a power cut', () => {
  test('spares what was synced', () => {
    const outcomes = afterPowerCuts(() => {
      const { files, write } = device()
      write('/file', 0, 'old')
      files.sync('/file')
      write('/file', 1, 'n')
      return files
    }, '/file')
    expect(outcomes).toEqual(['old', 'ond'])
  })

  test('may lose any of several writes, whatever became of those before', () => {
    const outcomes = afterPowerCuts(() => {
      const { files, write } = device()
      write('/file', 0, '..')
      files.sync('/file')
      write('/file', 0, 'a')
      write('/file', 1, 'b')
      write('/file', 0, 'c')
      return files
    }, '/file')
    expect(outcomes).toEqual(['..', '.b', 'a.', 'ab', 'c.', 'cb'])
  })

  test('tears large writes at sectors', () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const { files, write } = device()
      write('/file', 0, new Uint8Array(1200).fill(1))
      files.sync('/file')
      write('/file', 0, new Uint8Array(1200).fill(2))
      files.powerCut(new SeededRandom(`${seed}`))
      const content = contentOf(files.find('/file'))!
      const sectors = [content.subarray(0, 512), content.subarray(512, 1024), content.subarray(1024)]
      for (const sector of sectors) expect(new Set(sector).size).toBe(1)
      outcomes.add(sectors.map((sector) => sector[0]).join(''))
    }
    expect(outcomes.size).toBe(8)
  })

  test('may undo a file that was made, a rename and a removal, but only the latest ones', () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const { files, write } = device()
      write('/old', 0, 'old')
      files.sync('/old')
      write('/new', 0, 'new')
      files.sync('/new')
      files.rename('/new', '/old')
      files.remove('/old')
      files.powerCut(new SeededRandom(`${seed}`))
      outcomes.add(files.paths.map((path) => `${path}=${textOf(files.find(path))}`).join(' '))
    }
    expect([...outcomes].toSorted()).toEqual(['', '/old=new', '/old=old /new=new'])
  })

  test('after a folder was synced undoes no name in it', () => {
    const outcomes = afterPowerCuts(() => {
      const { files, write } = device()
      write('/folder/new', 0, 'new')
      files.sync('/folder/new')
      files.rename('/folder/new', '/folder/file')
      files.sync('/folder')
      return files
    }, '/folder/file')
    expect(outcomes).toEqual(['new'])
  })

  test('finds safe what was written half a minute ago', () => {
    const outcomes = afterPowerCuts(() => {
      const { now, files, write } = device()
      write('/file', 0, 'a')
      now.us += 30_000_001
      write('/file', 1, 'b')
      return files
    }, '/file')
    expect(outcomes).toEqual(['a', 'a\0', 'ab'])
  })

  test('gives back the space of what is lost', () => {
    const outcomes = new Set<number>()
    for (let seed = 0; seed < 50; seed++) {
      const { files, write } = device()
      files.make('/file', 'bytes')
      files.sync('/file')
      write('/file', 0, new Uint8Array(2 * BLOCK))
      files.powerCut(new SeededRandom(`${seed}`))
      outcomes.add(files.usedBytes / BLOCK)
      expect(files.find('/file')!.blocksWritten * BLOCK).toBe(files.usedBytes)
    }
    expect(outcomes).toContain(0)
    expect(outcomes).toContain(2)
  })

  test('never loses a synced byte, and never brings up one that was not written there', () => {
    const write = record({
      offset: nat(2 * BLOCK),
      length: integer({ min: 1, max: BLOCK }),
      syncs: boolean(),
    })
    assert(
      property(array(write, { maxLength: 12 }), integer(), (writes, seed) => {
        const { files, write: put } = device()
        /** Of each byte: what it may be after the cut. */
        const possible = Array.from({ length: 3 * BLOCK }, () => [0])
        let syncedLength = 0
        files.make('/file', 'bytes')
        files.sync('/file')
        for (const [i, { offset, length, syncs }] of writes.entries()) {
          put('/file', offset, new Uint8Array(length).fill(i + 1))
          for (let at = offset; at < offset + length; at++) possible[at].push(i + 1)
          if (!syncs) continue
          files.sync('/file')
          syncedLength = files.find('/file')!.length
          for (const values of possible) values.splice(0, values.length - 1)
        }
        files.powerCut(new SeededRandom(`${seed}`))
        const content = contentOf(files.find('/file'))!
        expect(content.length).toBeGreaterThanOrEqual(syncedLength)
        expect(content.findIndex((byte, at) => !possible[at].includes(byte))).toBe(-1)
      }),
      { numRuns: 40 },
    )
  })

  test('of one seed leaves the same', () => {
    const leaves = (): Uint8Array | null => {
      const { files, write } = device()
      files.make('/file', 'bytes')
      files.sync('/file')
      for (let i = 0; i < 20; i++) write('/file', i * 1000, new Uint8Array(3000).fill(i + 1))
      files.powerCut(new SeededRandom('seed'))
      return contentOf(files.find('/file'))
    }
    expect(leaves()).toEqual(leaves())
  })
})
