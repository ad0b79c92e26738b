// What every disk promises (`Disk` and `Volume` in src/platform/platform.ts).
import { beforeEach, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { join } from 'node:path'
import { concatBytes, decodeUtf8, encodeUtf8 } from '../../src/base/bytes.ts'
import { sha1 } from '../../src/base/digest.ts'
import type { CommitResult, Disk, FileSpan, Slot, Volume } from '../../src/platform/platform.ts'
import type { DiskFiles } from './disk-files.ts'

const BLOCK = 16_384
const SLOT = 16 * BLOCK
const HEADER = 13

/** SHA-1 as a plain Uint8Array, which is what a volume answers with. */
const digest = (bytes: Uint8Array): Uint8Array => Uint8Array.from(sha1(bytes))

/** Bytes that show where they belong. */
function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + (i >> 16) * 7 + seed) & 0xff
  return bytes
}

interface DiskUnderTest {
  readonly disk: Disk
  readonly files: DiskFiles
}

export function diskContract(
  name: string,
  makeDisk: (sizes: { slotCount: number; frameCount: number }) => DiskUnderTest,
): void {
  describe(`${name} keeps the disk contract`, () => {
    let disk: Disk
    let files: DiskFiles
    let folder: string
    let volume: Volume

    beforeEach(async () => {
      ;({ disk, files } = makeDisk({ slotCount: 16, frameCount: 3 }))
      folder = files.folder
      volume = await disk.openVolume(folder)
    })

    afterEach(async () => {
      await disk.close()
      files.remove(folder)
    })

    const at = (...path: string[]): string => join(folder, ...path)

    /** Puts the bytes into slots, one for each extent. */
    function load(bytes: Uint8Array): Slot[] {
      const slots: Slot[] = []
      for (let begin = 0; begin < bytes.length; begin += SLOT) {
        const slot = disk.takeSlot()
        for (let offset = begin; offset < Math.min(begin + SLOT, bytes.length); offset += BLOCK) {
          disk.fillSlot(slot, offset - begin, bytes.subarray(offset, Math.min(offset + BLOCK, begin + SLOT)))
        }
        slots.push(slot)
      }
      return slots
    }

    function commit(
      slots: Slot[],
      bytes: Uint8Array,
      spans: FileSpan[],
      { expected = digest(bytes), wantBlockDigests = false } = {},
    ): Promise<CommitResult> {
      return volume.commit({ slots, length: bytes.length, expected, spans, wantBlockDigests })
    }

    /** The payload of a frame: its blocks without the room for their headers. */
    function payload(frame: number, length: number): Uint8Array {
      const memory = disk.frameMemory(frame)
      const blocks = Array.from({ length: Math.ceil(length / BLOCK) }, (_, i) => {
        const begin = i * (HEADER + BLOCK) + HEADER
        return memory.subarray(begin, begin + Math.min(BLOCK, length - i * BLOCK))
      })
      return concatBytes(blocks)
    }

    describe('pools', () => {
      test('give each slot once, tell when none is left, and take them back', () => {
        expect([disk.slotBytes, disk.slotCount, disk.freeSlots]).toEqual([SLOT, 16, 16])
        const slots = Array.from({ length: 16 }, () => disk.takeSlot())
        expect(new Set(slots).size).toBe(16)
        expect(disk.takeSlot()).toBe(-1)
        expect(disk.freeSlots).toBe(0)
        disk.returnSlot(slots[7])
        expect(disk.freeSlots).toBe(1)
        expect(disk.takeSlot()).toBe(slots[7])
      })

      test('give each frame once, with memory of its own', () => {
        const frames = Array.from({ length: 3 }, () => disk.takeFrame())
        expect(disk.takeFrame()).toBe(-1)
        for (const [i, frame] of frames.entries()) disk.frameMemory(frame).fill(i + 1)
        for (const [i, frame] of frames.entries()) {
          expect(disk.frameMemory(frame).length).toBe(disk.frameBlocks * (HEADER + BLOCK))
          expect(disk.frameMemory(frame).every((byte) => byte === i + 1)).toBe(true)
        }
        disk.returnFrame(frames[0])
        expect(disk.freeFrames).toBe(1)
      })

      test('notice what is returned twice', () => {
        const slot = disk.takeSlot()
        disk.returnSlot(slot)
        expect(() => disk.returnSlot(slot)).toThrow('Assertion failed')
      })

      test('copies stay within their slot', async () => {
        const [before, slot, after] = [disk.takeSlot(), disk.takeSlot(), disk.takeSlot()]
        for (const each of [before, slot, after]) disk.fillSlot(each, 0, new Uint8Array(SLOT).fill(9))
        disk.fillSlot(slot, 0, new Uint8Array(SLOT).fill(1))
        disk.fillSlot(slot, SLOT, new Uint8Array(0))
        expect(() => disk.fillSlot(slot, SLOT - 1, new Uint8Array(2))).toThrow(RangeError)
        expect(() => disk.fillSlot(slot, -1, new Uint8Array(2))).toThrow(RangeError)
        for (const each of [before, after]) {
          await volume.write(each, 0, SLOT, [{ path: at('copy'), offset: 0, length: SLOT }])
          expect(files.read(at('copy')).every((byte) => byte === 9)).toBe(true)
        }
      })
    })

    describe('commit', () => {
      test('stores a right piece over all its files, and nothing of a wrong one', async () => {
        const bytes = pattern(SLOT + 100_000)
        const slots = load(bytes)
        const spans = [
          { path: at('a', 'first'), offset: 1000, length: 150_000 },
          { path: at('b'), offset: 0, length: 1 },
          { path: at('a', 'deep', 'last'), offset: 7, length: bytes.length - 150_001 },
        ]
        const wrong = await commit(slots, bytes, spans, { expected: digest(pattern(3)) })
        expect(wrong.result).toBe('corrupt')
        expect(files.exists(at('a'))).toBe(false)
        expect(await commit(slots, bytes, spans)).toEqual({ result: 'stored', blockDigests: null })
        const stored = concatBytes([
          files.read(at('a', 'first')).subarray(1000),
          files.read(at('b')),
          files.read(at('a', 'deep', 'last')).subarray(7),
        ])
        expect(digest(stored)).toEqual(digest(bytes))
        expect(files.read(at('a', 'first')).length).toBe(151_000)
      })

      test('tells the digest of each block of a corrupt piece, and of a right one when asked', async () => {
        const bytes = pattern(SLOT + BLOCK + 5)
        const slots = load(bytes)
        const spans = [{ path: at('file'), offset: 0, length: bytes.length }]
        const digests = concatBytes(
          Array.from({ length: 18 }, (_, i) => digest(bytes.subarray(i * BLOCK, (i + 1) * BLOCK))),
        )
        const corrupt = await commit(slots, bytes, spans, { expected: new Uint8Array(20) })
        const stored = await commit(slots, bytes, spans, { wantBlockDigests: true })
        expect([corrupt.result, stored.result]).toEqual(['corrupt', 'stored'])
        for (const { blockDigests } of [corrupt, stored]) expect(Uint8Array.from(blockDigests!)).toEqual(digests)
      })

      test('reads back extents that were spilled, and leaves them as they are', async () => {
        const bytes = pattern(3 * SLOT + 10)
        const slots = load(bytes)
        const spans = [
          { path: at('one'), offset: 5, length: SLOT + 100 },
          { path: at('two'), offset: 0, length: bytes.length - SLOT - 100 },
        ]
        await volume.write(slots[1], 0, SLOT, [
          { path: at('one'), offset: 5 + SLOT, length: 100 },
          { path: at('two'), offset: 0, length: SLOT - 100 },
        ])
        disk.returnSlot(slots[1])
        const spilled = [slots[0], -1, slots[2], slots[3]]
        expect(await commit(spilled, bytes, spans)).toEqual({ result: 'stored', blockDigests: null })
        expect(await volume.hash(spans)).toEqual(digest(bytes))
        const digests = await commit([-1, -1, -1, -1], bytes, spans, { wantBlockDigests: true })
        expect(Uint8Array.from(digests.blockDigests!.subarray(20 * 17, 20 * 18))).toEqual(
          digest(bytes.subarray(17 * BLOCK, 18 * BLOCK)),
        )
      })

      test('reports a spilled extent that has gone', async () => {
        const bytes = pattern(SLOT + 10)
        const [first] = load(bytes)
        const spans = [{ path: at('file'), offset: 0, length: bytes.length }]
        await expect(commit([first, -1], bytes, spans)).rejects.toMatchObject({ code: 'not_found', path: at('file') })
      })

      test('takes a piece larger than all slots, extent by extent', async () => {
        const bytes = pattern(20 * SLOT)
        const spans = [{ path: at('large'), offset: 3, length: bytes.length }]
        const slot = disk.takeSlot()
        for (let i = 0; i < 20; i++) {
          disk.fillSlot(slot, 0, bytes.subarray(i * SLOT, (i + 1) * SLOT))
          await volume.write(slot, 0, SLOT, [{ path: at('large'), offset: 3 + i * SLOT, length: SLOT }])
        }
        expect((await commit(Array<Slot>(20).fill(-1), bytes, spans)).result).toBe('stored')
        const wrong = await commit(Array<Slot>(20).fill(-1), bytes, spans, { expected: new Uint8Array(20) })
        expect(wrong.result).toBe('corrupt')
      })

      test('never shortens or disturbs what is in the file already', async () => {
        files.write(at('file'), new Uint8Array(1000).fill(7))
        const bytes = pattern(100)
        await commit(load(bytes), bytes, [{ path: at('file'), offset: 200, length: 100 }])
        const content = files.read(at('file'))
        expect(content.length).toBe(1000)
        expect(digest(content.subarray(200, 300))).toEqual(digest(bytes))
        content.fill(7, 200, 300)
        expect(content.every((byte) => byte === 7)).toBe(true)
      })

      test('checks zeros that are stored nowhere', async () => {
        const bytes = concatBytes([pattern(1000), new Uint8Array(500), pattern(200, 5)])
        const spans = [
          { path: at('a'), offset: 0, length: 1000 },
          { path: '', offset: 0, length: 500 },
          { path: at('b'), offset: 0, length: 200 },
        ]
        expect((await commit(load(bytes), bytes, spans)).result).toBe('stored')
        expect(await volume.hash(spans)).toEqual(digest(bytes))
        const frame = disk.takeFrame()
        disk.frameMemory(frame).fill(1)
        await volume.read(spans, frame)
        expect(digest(payload(frame, 1700))).toEqual(digest(bytes))
        expect(await volume.sizes([at('a'), at('b')])).toEqual([1000, 200])
      })

      test('many at once are each answered with their own result', async () => {
        const slots: Slot[] = []
        const results = await Promise.all(
          Array.from({ length: 16 }, (_, i) => {
            const bytes = pattern(50_000 + i, i)
            slots.push(...load(bytes))
            const expected = i % 3 === 0 ? new Uint8Array(20) : digest(bytes)
            return commit([slots[i]], bytes, [{ path: at(`${i}`), offset: i, length: bytes.length }], { expected })
          }),
        )
        expect(results.map(({ result }) => result === 'corrupt')).toEqual(results.map((_, i) => i % 3 === 0))
        for (let i = 0; i < 16; i++) {
          expect(await volume.sizes([at(`${i}`)])).toEqual([i % 3 === 0 ? -1 : 50_000 + 2 * i])
        }
      })

      test.each([
        ['lengths that do not add up', [{ path: '/x', offset: 0, length: 99 }], 1],
        ['a wrong number of slots', [{ path: '/x', offset: 0, length: 100 }], 2],
      ])("refuses %s as the caller's mistake", async (_, spans, slotCount) => {
        const slots = Array<Slot>(slotCount).fill(0)
        await expect(
          volume.commit({ slots, length: 100, expected: new Uint8Array(20), spans, wantBlockDigests: false }),
        ).rejects.toThrow(RangeError)
      })
    })

    describe('a journal entry', () => {
      const spans = [{ path: '', offset: 0, length: 0 }]
      const entry = (text: string) => ({ path: at('journal'), record: encodeUtf8(text) })
      const journal = (): string => decodeUtf8(files.read(at('journal')))

      beforeEach(() => {
        files.write(at('journal'), encodeUtf8('head'))
        spans[0] = { path: at('file'), offset: 0, length: 100 }
      })

      test('follows a stored piece to the end of its file, and no corrupt one', async () => {
        const bytes = pattern(100)
        const request = { slots: load(bytes), length: 100, spans, wantBlockDigests: false }
        await volume.commit({ ...request, expected: digest(bytes), journal: entry(' one') })
        await volume.commit({ ...request, expected: new Uint8Array(20), journal: entry(' two') })
        await volume.commit({ ...request, expected: digest(bytes), journal: entry(' three') })
        expect(journal()).toBe('head one three')
      })

      test('follows what is written unverified', async () => {
        const [slot] = load(pattern(100))
        await volume.write(slot, 0, 100, spans, entry(' part'))
        expect(journal()).toBe('head part')
      })

      test('goes into the file that is there now', async () => {
        const [slot] = load(pattern(100))
        await volume.write(slot, 0, 100, spans, entry(' lost'))
        files.write(at('new'), encodeUtf8('new'))
        files.rename(at('new'), at('journal'))
        await volume.write(slot, 0, 100, spans, entry(' kept'))
        expect(journal()).toBe('new kept')
      })

      test('makes no file: without one it is an error', async () => {
        files.remove(at('journal'))
        const [slot] = load(pattern(100))
        await expect(volume.write(slot, 0, 100, spans, entry('x'))).rejects.toMatchObject({
          code: 'not_found',
          path: at('journal'),
        })
        expect(files.exists(at('journal'))).toBe(false)
      })

      test('many at once are all there, each whole', async () => {
        const [slot] = load(pattern(100))
        await Promise.all(Array.from({ length: 50 }, (_, i) => volume.write(slot, 0, 100, spans, entry(` [${i}]`))))
        const found = journal().split(' ').slice(1)
        expect(new Set(found)).toEqual(new Set(Array.from({ length: 50 }, (_, i) => `[${i}]`)))
        expect(found).toHaveLength(50)
      })
    })

    describe('sync', () => {
      test('tells what the files look like', async () => {
        const bytes = pattern(300)
        const spans = [
          { path: at('new', 'folder', 'a'), offset: 0, length: 100 },
          { path: at('b'), offset: 7, length: 200 },
        ]
        await commit(load(bytes), bytes, spans)
        const paths = spans.map(({ path }) => path)
        for (let i = 0; i < 2; i++) {
          const states = await volume.sync(paths)
          expect(states.map(({ size }) => size)).toEqual([100, 207])
          expect(states).toEqual(await volume.states(paths))
        }
        expect(await volume.sync([])).toEqual([])
      })

      test('names a file that is gone', async () => {
        files.write(at('a'), pattern(5))
        await expect(volume.sync([at('a'), at('none')])).rejects.toMatchObject({
          name: 'StorageError',
          code: 'not_found',
          path: at('none'),
        })
      })

      test('works on files that may not be written', async () => {
        files.write(at('a'), pattern(5))
        files.forbidWriting(at('a'))
        expect(await volume.sync([at('a')])).toMatchObject([{ size: 5 }])
      })
    })

    describe('hash', () => {
      test('is the digest of the spans, whatever files they cross', async () => {
        const bytes = pattern(3_000_000)
        files.write(at('a'), bytes.subarray(0, 1_000_001))
        files.write(at('b'), bytes.subarray(1_000_001))
        const spans = [
          { path: at('a'), offset: 1, length: 1_000_000 },
          { path: at('b'), offset: 0, length: 1_999_999 },
        ]
        expect(await volume.hash(spans)).toEqual(digest(bytes.subarray(1)))
      })

      test('is null where a file is missing or too short', async () => {
        files.write(at('short'), pattern(99))
        expect(await volume.hash([{ path: at('none'), offset: 0, length: 1 }])).toBeNull()
        expect(await volume.hash([{ path: at('no', 'folder'), offset: 0, length: 1 }])).toBeNull()
        expect(await volume.hash([{ path: at('short', 'below'), offset: 0, length: 1 }])).toBeNull()
        expect(await volume.hash([{ path: at('short'), offset: 0, length: 100 }])).toBeNull()
        expect(await volume.hash([{ path: at('short'), offset: 1, length: 98 }])).toEqual(
          digest(pattern(99).subarray(1)),
        )
      })

      test('sees a file that was replaced or deleted while it was held open', async () => {
        files.write(at('file'), pattern(100, 1))
        files.write(at('other'), pattern(100, 2))
        const spans = [{ path: at('file'), offset: 0, length: 100 }]
        expect(await volume.hash(spans)).toEqual(digest(pattern(100, 1)))
        files.rename(at('other'), at('file'))
        expect(await volume.hash(spans)).toEqual(digest(pattern(100, 2)))
        files.remove(at('file'))
        expect(await volume.hash(spans)).toBeNull()
      })
    })

    describe('read', () => {
      test.each([
        ['whole blocks', 0, 4 * BLOCK, 0],
        ['a full frame', 0, 64 * BLOCK, 0],
        ['blocks that cross files', 3 * BLOCK, 10 * BLOCK, 70_001],
        ['blocks that cross a file at every few bytes', 5, 2 * BLOCK + 7, 3],
      ])('leaves room for headers: %s', async (_, begin, length, cut) => {
        const bytes = pattern(65 * BLOCK)
        const spans: FileSpan[] = []
        const end = begin + length
        const step = cut === 0 ? length : cut === 3 ? 997 : cut
        for (let from = begin, i = 0; from < end; from += step, i++) {
          const part = bytes.subarray(from, Math.min(from + step, end))
          files.write(at(`${i}`), concatBytes([new Uint8Array(i), part]))
          spans.push({ path: at(`${i}`), offset: i, length: part.length })
        }
        const frame = disk.takeFrame()
        const memory = disk.frameMemory(frame)
        memory.fill(0xee)
        await volume.read(spans, frame)
        expect(digest(payload(frame, length))).toEqual(digest(bytes.subarray(begin, end)))
        for (let i = 0; i < Math.ceil(length / BLOCK); i++) {
          const header = memory.subarray(i * (HEADER + BLOCK), i * (HEADER + BLOCK) + HEADER)
          expect(header.every((byte) => byte === 0xee)).toBe(true)
        }
      })

      test('names the file whose bytes are missing', async () => {
        files.write(at('short'), pattern(99))
        const frame = disk.takeFrame()
        for (const [path, code] of [
          [at('short'), 'truncated'],
          [at('none'), 'not_found'],
        ]) {
          const reading = volume.read([{ path, offset: 0, length: 100 }], frame)
          await expect(reading).rejects.toMatchObject({ name: 'StorageError', code, path })
        }
      })

      test("refuses more than a frame holds as the caller's mistake", async () => {
        const reading = volume.read([{ path: at('a'), offset: 0, length: 64 * BLOCK + 1 }], disk.takeFrame())
        await expect(reading).rejects.toThrow(RangeError)
      })

      test('sees what was committed just before, and does not need the right to write', async () => {
        const bytes = pattern(BLOCK)
        const spans = [{ path: at('file'), offset: 0, length: BLOCK }]
        await commit(load(bytes), bytes, spans)
        await volume.release(folder)
        files.forbidWriting(at('file'))
        const frame = disk.takeFrame()
        await volume.read(spans, frame)
        expect(digest(payload(frame, BLOCK))).toEqual(digest(bytes))
      })

      test('a file opened for reading can be written afterwards', async () => {
        files.write(at('file'), pattern(BLOCK, 1))
        const spans = [{ path: at('file'), offset: 0, length: BLOCK }]
        const frame = disk.takeFrame()
        await volume.read(spans, frame)
        const bytes = pattern(BLOCK, 2)
        await commit(load(bytes), bytes, spans)
        await volume.read(spans, frame)
        expect(digest(payload(frame, BLOCK))).toEqual(digest(bytes))
      })
    })

    describe('files', () => {
      test('sizes are told, -1 where there is no file', async () => {
        files.write(at('a'), pattern(5))
        files.write(at('empty'), new Uint8Array(0))
        files.makeFolder(at('folder'))
        const paths = [at('a'), at('empty'), at('none'), at('folder'), at('a', 'below')]
        expect(await volume.sizes(paths)).toEqual([5, 0, -1, -1, -1])
        expect(await volume.sizes([])).toEqual([])
      })

      test('states are told, null where there is no file, and change when something is written', async () => {
        files.write(at('a'), pattern(5))
        files.makeFolder(at('folder'))
        const [before, ...others] = await volume.states([at('a'), at('none'), at('folder'), at('a', 'below')])
        expect(others).toEqual([null, null, null])
        expect(before).toEqual({ size: 5, mtimeNs: expect.any(BigInt) })
        const many = Array.from({ length: 100 }, () => at('a'))
        expect(await volume.states(many)).toEqual(many.map(() => before))
        // In this loop time passes: that of a file system goes in steps.
        const bytes = pattern(3)
        const slots = load(bytes)
        for (;;) {
          await commit(slots, bytes, [{ path: at('a'), offset: 0, length: 3 }])
          const [after] = await volume.states([at('a')])
          expect(after!.size).toBe(5)
          if (after!.mtimeNs > before!.mtimeNs) break
        }
      })

      test('take of the device what was written, and leave the rest', async () => {
        const before = await volume.room()
        await volume.ensureFiles([
          { path: at('a'), length: 3 * SLOT },
          { path: at('b'), length: 1 },
        ])
        expect(await volume.taken([at('a'), at('none')])).toBe(0)
        const slots = load(pattern(SLOT))
        await volume.write(slots[0], 0, SLOT, [{ path: at('a'), offset: SLOT, length: SLOT }])
        const taken = await volume.taken([at('a'), at('none')])
        expect(taken).toBeGreaterThanOrEqual(SLOT)
        expect(taken).toBeLessThan(2 * SLOT)
        const after = await volume.room()
        expect(before === null).toBe(after === null)
        expect(after ?? 0).toBeGreaterThanOrEqual(0)
      })

      test('of one file system have one name for it', async () => {
        const other = await disk.openVolume(at('sub', 'deeper'))
        expect(other.fileSystem).toBe(volume.fileSystem)
        expect(volume.fileSystem).not.toBe('')
      })

      test('many are looked at at once, whether their folders are there or not', async () => {
        const many = Array.from({ length: 100 }, (_, i) => at('there', `${i}`))
        await volume.ensureFiles(many.filter((_, i) => i % 2 === 1).map((path) => ({ path, length: 3 })))
        const paths = [at('gone', '0'), ...many, at('gone', '1'), at('gone', 'deep', '2')]
        const sizes = [-1, ...many.map((_, i) => (i % 2 === 1 ? 3 : -1)), -1, -1]
        expect(await volume.sizes(paths)).toEqual(sizes)
        expect((await volume.states(paths)).map((state) => state?.size ?? -1)).toEqual(sizes)
        expect(await volume.taken([at('gone', '0'), at('gone', '1')])).toBe(0)
      })

      test('are made, and made long enough, and never shortened', async () => {
        files.write(at('long'), pattern(100))
        files.write(at('short'), pattern(10))
        await volume.ensureFiles([
          { path: at('new', 'empty'), length: 0 },
          { path: at('new', 'sparse'), length: 1_000_000 },
          { path: at('long'), length: 50 },
          { path: at('short'), length: 20 },
        ])
        expect(await volume.sizes([at('new', 'empty'), at('new', 'sparse'), at('long'), at('short')])).toEqual([
          0, 1_000_000, 100, 20,
        ])
        expect(files.read(at('long'))).toEqual(pattern(100))
        expect(files.read(at('short')).subarray(0, 10)).toEqual(pattern(10))
      })

      test('that were deleted or replaced while in use are an error, once', async () => {
        const bytes = pattern(100)
        const spans = [{ path: at('file'), offset: 0, length: 100 }]
        const slots = load(bytes)
        await commit(slots, bytes, spans)
        files.remove(at('file'))
        await expect(commit(slots, bytes, spans)).rejects.toMatchObject({ code: 'changed', path: at('file') })
        expect((await commit(slots, bytes, spans)).result).toBe('stored')
        expect(await volume.sizes([at('file')])).toEqual([100])
      })

      test('more of them than may be open at once can be used', async () => {
        const many = Array.from({ length: 700 }, (_, i) => ({ path: at(`${i % 7}`, `${i}`), length: i }))
        await volume.ensureFiles(many)
        expect(await volume.sizes(many.map(({ path }) => path))).toEqual(many.map(({ length }) => length))
      })

      test('are made of runs of others, with holes between', async () => {
        await disk.openVolume(folder)
        files.write(at('parts'), pattern(5 * BLOCK))
        await volume.assemble(at('sub', 'whole'), at('new'), [
          { from: { path: at('parts'), offset: BLOCK, length: BLOCK }, offset: 0 },
          { from: { path: at('parts'), offset: 3 * BLOCK, length: 2 * BLOCK }, offset: 4 * BLOCK },
          { from: { path: at('parts'), offset: 4 * BLOCK, length: 2 * BLOCK }, offset: 8 * BLOCK },
          { from: { path: at('missing'), offset: 0, length: BLOCK }, offset: 8 * BLOCK },
        ])
        const whole = pattern(5 * BLOCK)
        const expected = new Uint8Array(6 * BLOCK)
        expected.set(whole.subarray(BLOCK, 2 * BLOCK))
        expected.set(whole.subarray(3 * BLOCK), 4 * BLOCK)
        expect(digest(files.read(at('sub', 'whole')))).toEqual(digest(expected))
        expect(await volume.sizes([at('new')])).toEqual([-1])
      })

      test('are not made of nothing', async () => {
        await volume.assemble(at('whole'), at('new'), [
          { from: { path: at('missing'), offset: 0, length: BLOCK }, offset: 0 },
        ])
        expect(await volume.sizes([at('whole'), at('new')])).toEqual([-1, -1])
      })

      test('that are there already get the runs, and what a broken attempt has left behind is no part of a new one', async () => {
        files.write(at('parts'), pattern(BLOCK))
        files.write(at('there'), pattern(3 * BLOCK, 2))
        files.write(at('new'), pattern(3 * BLOCK, 3))
        const run = { from: { path: at('parts'), offset: 0, length: BLOCK }, offset: BLOCK }
        await volume.assemble(at('there'), at('new'), [run])
        const expected = pattern(3 * BLOCK, 2)
        expected.set(pattern(BLOCK), BLOCK)
        expect(digest(files.read(at('there')))).toEqual(digest(expected))
        await volume.assemble(at('fresh'), at('new'), [{ ...run, offset: 0 }])
        expect(digest(files.read(at('fresh')))).toEqual(digest(pattern(BLOCK)))
      })

      test('are removed once what is under way has ended, whether they are there or not', async () => {
        const bytes = pattern(SLOT)
        const slots = load(bytes)
        const spans = [{ path: at('a'), offset: 0, length: SLOT }]
        const commit = volume.commit({
          slots,
          length: SLOT,
          expected: digest(bytes),
          spans,
          wantBlockDigests: false,
        })
        await volume.remove([at('a'), at('missing')])
        expect(await commit).toMatchObject({ result: 'stored' })
        expect(await volume.sizes([at('a')])).toEqual([-1])
        // It may come to be again.
        await volume.ensureFiles([{ path: at('a'), length: 3 }])
        await volume.write(slots[0], 0, BLOCK, [{ path: at('a'), offset: 0, length: BLOCK }])
        expect(await volume.sizes([at('a')])).toEqual([BLOCK])
      })

      test('what is at a path is told, without following a link', async () => {
        files.write(at('file'), pattern(1))
        files.makeFolder(at('folder'))
        files.link(at('link'), 'folder')
        const paths = [at('file'), at('folder'), at('link'), at('none'), at('file', 'below')]
        expect(await volume.kinds(paths)).toEqual(['file', 'folder', 'link', null, null])
      })

      test('get another name with what is in them, folders too, once what is under way has ended', async () => {
        const bytes = pattern(SLOT)
        const committing = commit(load(bytes), bytes, [{ path: at('top', 'sub', 'a'), offset: 0, length: SLOT }])
        expect(await volume.rename(at('top'), at('new', 'name'))).toBe(true)
        expect((await committing).result).toBe('stored')
        expect(digest(files.read(at('new', 'name', 'sub', 'a')))).toEqual(digest(bytes))
        expect(await volume.kinds([at('top'), at('new', 'name', 'sub')])).toEqual([null, 'folder'])
        expect(await volume.rename(at('new', 'name', 'sub', 'a'), at('b'))).toBe(true)
        await volume.syncFolders([folder, at('new', 'name', 'sub')])
        await commit(load(bytes), bytes, [{ path: at('b'), offset: SLOT, length: SLOT }])
        expect(files.read(at('b')).length).toBe(2 * SLOT)
        expect(await volume.sizes([at('new', 'name', 'sub', 'a')])).toEqual([-1])
      })

      test('do not get the name of another, nor one from nothing', async () => {
        files.write(at('a'), pattern(5))
        files.write(at('b'), pattern(6))
        await expect(volume.rename(at('a'), at('b'))).rejects.toMatchObject({
          name: 'StorageError',
          code: 'exists',
          path: at('b'),
        })
        await expect(volume.rename(at('none'), at('c'))).rejects.toMatchObject({ code: 'not_found' })
        expect([files.read(at('a')).length, files.read(at('b')).length]).toEqual([5, 6])
      })

      test('are copied in parts; zeros become holes, and what is missing is an error', async () => {
        const bytes = pattern(64 * BLOCK)
        bytes.fill(0, 16 * BLOCK, 48 * BLOCK)
        files.write(at('from'), bytes)
        for (const begin of [0, 16, 48]) {
          const end = begin === 0 ? 16 : begin === 16 ? 48 : 64
          const length = (end - begin) * BLOCK
          await volume.copy({ path: at('from'), offset: begin * BLOCK, length }, at('new', 'to'), begin * BLOCK)
        }
        expect(digest(files.read(at('new', 'to')))).toEqual(digest(bytes))
        expect(await volume.taken([at('new', 'to')])).toBeLessThan(48 * BLOCK)
        const beyond = volume.copy({ path: at('from'), offset: 60 * BLOCK, length: 5 * BLOCK }, at('to'), 0)
        await expect(beyond).rejects.toMatchObject({ code: 'truncated', path: at('from') })
      })

      test('are let go of on release, and may be used again', async () => {
        const bytes = pattern(100)
        const spans = [{ path: at('sub', 'file'), offset: 0, length: 100 }]
        const commits = [1, 2, 3].map(() => commit(load(bytes), bytes, spans))
        await volume.release(at('sub'))
        const states = await Promise.all(commits.map((each) => Promise.race([each, Promise.resolve('not yet')])))
        expect(states).not.toContain('not yet')
        files.remove(at('sub'))
        expect((await commit(load(bytes), bytes, spans)).result).toBe('stored')
        expect(await volume.sizes([at('sub', 'file')])).toEqual([100])
      })
    })

    describe('removing a tree', () => {
      const top = (...path: string[]): string => at('top', ...path)
      const TREE = [['a'], ['one', 'b'], ['one', 'two', 'c'], ['three', 'd']]
      const tree = TREE.map((path) => ['top', ...path])

      beforeEach(() => volume.ensureFiles(tree.map((path) => ({ path: at(...path), length: 5 }))))

      test('deletes files and empty folders, and the top one with them', async () => {
        const paths = [...tree.map((path) => at(...path)), top('none'), top('nowhere', 'none')]
        const removed = await volume.removeTree(top(), paths)
        expect(removed).toMatchObject({ files: 4, kept: [] })
        expect([files.exists(top()), files.exists(folder)]).toEqual([false, true])
        expect(await volume.removeTree(top(), paths)).toEqual({ files: 0, bytes: 0, kept: [] })
      })

      test('tells the space that comes free', async () => {
        const bytes = pattern(3 * SLOT)
        await commit(load(bytes), bytes, [{ path: top('a'), offset: 0, length: bytes.length }])
        const { bytes: freed } = await volume.removeTree(top(), [top('a')])
        expect(freed).toBeGreaterThanOrEqual(bytes.length)
        expect(freed).toBeLessThan(2 * bytes.length)
      })

      test('leaves what is not named, with its folders', async () => {
        files.write(top('one', 'mine'), pattern(5))
        const removed = await volume.removeTree(
          top(),
          tree.map((path) => at(...path)),
        )
        expect(removed).toMatchObject({ files: 4, kept: [top('one'), top()] })
        expect(files.read(top('one', 'mine'))).toEqual(pattern(5))
        expect([files.exists(top('one', 'two')), files.exists(top('three'))]).toEqual([false, false])
      })

      test('removes a single file, and not the folder that it lies in', async () => {
        expect(await volume.removeTree(top('a'), [top('a')])).toMatchObject({ files: 1, kept: [] })
        expect([files.exists(top('a')), files.exists(top('one', 'b'))]).toEqual([false, true])
      })

      test('follows no link: of one in the place of a file the link is removed, one in the place of a folder stays', async () => {
        files.makeFolder(at('precious'))
        files.write(at('precious', 'c'), pattern(7))
        files.write(at('precious', 'd'), pattern(7))
        files.remove(top('a'))
        files.link(top('a'), '../precious/c')
        files.remove(top('one', 'two'))
        files.link(top('one', 'two'), '../../precious')
        files.remove(top('three'))
        files.link(top('three'), at('precious'))
        const removed = await volume.removeTree(
          top(),
          tree.map((path) => at(...path)),
        )
        expect(removed.files).toBe(2)
        expect(new Set(removed.kept)).toEqual(new Set([top('one', 'two'), top('one'), top('three'), top()]))
        expect([files.read(at('precious', 'c')), files.read(at('precious', 'd'))]).toEqual([pattern(7), pattern(7)])
        expect(files.exists(top('a'))).toBe(false)
      })

      test('stays away from a top folder that is a link', async () => {
        files.rename(top('a'), at('kept'))
        files.remove(top())
        files.makeFolder(at('precious'))
        files.rename(at('kept'), at('precious', 'a'))
        files.link(top(), 'precious')
        expect(await volume.removeTree(top(), [top('a')])).toEqual({ files: 0, bytes: 0, kept: [top()] })
        expect(files.exists(at('precious', 'a'))).toBe(true)
      })

      test('leaves a folder in the place of a file, and a file in the place of a folder', async () => {
        files.remove(top('a'))
        files.makeFolder(top('a'))
        files.remove(top('three'))
        files.write(top('three'), pattern(3))
        const removed = await volume.removeTree(
          top(),
          tree.map((path) => at(...path)),
        )
        expect(removed.files).toBe(2)
        expect(new Set(removed.kept)).toEqual(new Set([top('a'), top('three'), top()]))
        expect([files.exists(top('a')), files.exists(top('three'))]).toEqual([true, true])
      })

      test('waits for what is under way, and a file may come to be again', async () => {
        const bytes = pattern(SLOT)
        const committing = commit(load(bytes), bytes, [{ path: top('a'), offset: 0, length: SLOT }])
        await volume.removeTree(
          top(),
          tree.map((path) => at(...path)),
        )
        expect(await committing).toMatchObject({ result: 'stored' })
        expect(files.exists(top())).toBe(false)
        await commit(load(bytes), bytes, [{ path: top('a'), offset: 0, length: SLOT }])
        expect(await volume.sizes([top('a')])).toEqual([SLOT])
      })

      test('takes thousands of files', async () => {
        const many = Array.from({ length: 2000 }, (_, i) => ({ path: top(`${i % 40}`, `${i}`), length: 0 }))
        await volume.ensureFiles(many)
        const removed = await volume.removeTree(
          top(),
          [...many, ...tree.map((path) => ({ path: at(...path) }))].map(({ path }) => path),
        )
        expect(removed).toMatchObject({ files: 2004, kept: [] })
      })
    })

    describe('reserving space', () => {
      test('takes it, for a file that is not there yet, too', async () => {
        await volume.reserve(at('new', 'file'), 0, SLOT)
        await volume.reserve(at('new', 'file'), SLOT, SLOT + 5)
        expect(digest(files.read(at('new', 'file')))).toEqual(digest(new Uint8Array(2 * SLOT + 5)))
        expect(await volume.taken([at('new', 'file')])).toBeGreaterThanOrEqual(2 * SLOT + 5)
      })

      test('leaves what is there as it is, and fills the holes between', async () => {
        const bytes = pattern(3 * SLOT)
        const [, second] = load(bytes)
        const hole = new Uint8Array(SLOT)
        await volume.ensureFiles([{ path: at('file'), length: 3 * SLOT }])
        await volume.write(second, 0, SLOT, [{ path: at('file'), offset: SLOT, length: SLOT }])
        expect(await volume.taken([at('file')])).toBeLessThan(3 * SLOT)
        await volume.reserve(at('file'), 0, 3 * SLOT)
        expect(digest(files.read(at('file')))).toEqual(
          digest(concatBytes([hole, bytes.subarray(SLOT, 2 * SLOT), hole])),
        )
        expect(await volume.taken([at('file')])).toBeGreaterThanOrEqual(3 * SLOT)
      })

      test('goes on where a file ends in the middle, and shortens none', async () => {
        files.write(at('short'), pattern(BLOCK + 100))
        files.write(at('long'), pattern(3 * BLOCK))
        await volume.reserve(at('short'), 0, 2 * BLOCK)
        await volume.reserve(at('long'), 0, 2 * BLOCK)
        const expected = new Uint8Array(2 * BLOCK)
        expected.set(pattern(BLOCK + 100))
        expect(digest(files.read(at('short')))).toEqual(digest(expected))
        expect(digest(files.read(at('long')))).toEqual(digest(pattern(3 * BLOCK)))
      })
    })

    describe('attributes', () => {
      const top = (...path: string[]): string => at('top', ...path)

      test('make files executable, and links where nothing is', async () => {
        await volume.ensureFiles([{ path: top('bin', 'run'), length: 1 }])
        await volume.ensureFiles([{ path: top('read me'), length: 1 }])
        await volume.applyAttributes(top(), {
          executables: [top('bin', 'run'), top('missing')],
          links: [
            { path: top('latest'), target: 'bin/run' },
            { path: top('new', 'folder', 'link'), target: '../../read me' },
            { path: top('read me'), target: 'bin/run' },
          ],
        })
        expect([top('bin', 'run'), top('read me')].map((path) => files.isExecutable(path))).toEqual([true, false])
        expect(files.linkTarget(top('latest'))).toBe('bin/run')
        expect(files.linkTarget(top('new', 'folder', 'link'))).toBe('../../read me')
        expect(files.linkTarget(top('read me'))).toBeNull()
        expect(files.exists(top('missing'))).toBe(false)
      })

      test('follow no link on the way', async () => {
        await volume.ensureFiles([{ path: at('elsewhere', 'run'), length: 1 }])
        await volume.ensureFiles([{ path: top('file'), length: 1 }])
        files.link(top('away'), '../elsewhere')
        files.link(top('run'), '../elsewhere/run')
        await volume.applyAttributes(top(), {
          executables: [top('away', 'run'), top('run')],
          links: [{ path: top('away', 'link'), target: 'run' }],
        })
        expect(files.isExecutable(at('elsewhere', 'run'))).toBe(false)
        expect(files.exists(at('elsewhere', 'link'))).toBe(false)
      })

      test('may be given once more', async () => {
        await volume.ensureFiles([{ path: top('run'), length: 1 }])
        const attributes = { executables: [top('run')], links: [{ path: top('link'), target: 'run' }] }
        for (let i = 0; i < 2; i++) await volume.applyAttributes(top(), attributes)
        expect([files.isExecutable(top('run')), files.linkTarget(top('link'))]).toEqual([true, 'run'])
      })
    })

    describe('errors', () => {
      const store = (path: string): Promise<CommitResult> => {
        const bytes = pattern(10)
        return commit(load(bytes), bytes, [{ path, offset: 0, length: 10 }])
      }

      test('a folder in the place of a file', async () => {
        files.makeFolder(at('folder'))
        await expect(store(at('folder'))).rejects.toMatchObject({
          name: 'StorageError',
          code: 'not_a_file',
          path: at('folder'),
          message: expect.stringMatching(/^Cannot \w+ \S+: [^\n]+$/),
        })
      })

      test('a file in the place of a folder', async () => {
        files.write(at('file'), new Uint8Array(0))
        await expect(store(at('file', 'below'))).rejects.toMatchObject({
          code: 'not_a_file',
          path: at('file', 'below'),
        })
      })

      test('a name that is too long', async () => {
        await expect(store(at('x'.repeat(300)))).rejects.toMatchObject({ code: 'name_too_long' })
      })

      test('one operation that fails leaves the others alone', async () => {
        files.makeFolder(at('folder'))
        const results = await Promise.allSettled([store(at('one')), store(at('folder')), store(at('two'))])
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      })

      test('nothing may be asked of a closed disk', async () => {
        await disk.close()
        await disk.close()
        await expect(store(at('file'))).rejects.toMatchObject({ name: 'StorageError', code: 'disk_closed' })
        await expect(disk.openVolume(folder)).rejects.toMatchObject({ code: 'disk_closed' })
        await volume.release(folder)
      })
    })

    test('closing waits for what is under way', async () => {
      const bytes = pattern(16 * SLOT)
      const committing = commit(load(bytes), bytes, [{ path: at('file'), offset: 0, length: bytes.length }])
      await disk.close()
      expect((await committing).result).toBe('stored')
    })

    test('a volume is opened for a path that does not exist yet', async () => {
      const later = await disk.openVolume(at('not', 'yet', 'there'))
      const slot = disk.takeSlot()
      disk.fillSlot(slot, 0, pattern(10))
      onTestFinished(() => later.release(folder))
      await later.write(slot, 0, 10, [{ path: at('not', 'yet', 'there', 'file'), offset: 0, length: 10 }])
      expect(await volume.sizes([at('not', 'yet', 'there', 'file')])).toEqual([10])
    })
  })
}
