import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../base/bytes.ts'
import { crc32c } from '../../base/crc32c.ts'
import { type BencodeInput, encode } from '../../protocol/bencode/index.ts'
import type { TorrentFile } from '../../protocol/metainfo/metainfo.ts'
import { encodeSettings, NO_SETTINGS, parseSettings, type TorrentSettings } from './torrent-settings.ts'

const metainfo = { files: Array<TorrentFile>(9) }

function read(bytes: Uint8Array): TorrentSettings {
  return parseSettings(bytes, metainfo, '/state/settings')
}

/** With the checksum that belongs to it. */
function framed(body: BencodeInput): Uint8Array {
  return encode({ crc: crc32c(encode(body)), settings: body })
}

const SOME: TorrentSettings = {
  priorities: new Map([
    [0, 'skip'],
    [1, 'skip'],
    [3, 'skip'],
    [4, 'low'],
    [8, 'high'],
  ]),
  names: new Map([
    [2, ['new', 'name.txt']],
    [5, ['é']],
  ]),
  renaming: { file: 5, from: ['sub', 'old'] },
  moved: { to: '/elsewhere/content', isDone: true },
  marks: ['8:1/ef53', 'uuid'],
}

test('settings are read as they were written', () => {
  expect(read(encodeSettings(SOME))).toEqual(SOME)
  expect(read(encodeSettings(NO_SETTINGS))).toEqual(NO_SETTINGS)
})

test('files that follow each other take no more room than one', () => {
  const all = new Map(Array.from({ length: 200_000 }, (_, file) => [file, 'skip' as const]))
  expect(encodeSettings({ ...NO_SETTINGS, priorities: all }).length).toBeLessThan(100)
})

test('whatever was chosen comes back', () => {
  const file = fc.integer({ min: 0, max: 8 })
  const path = fc.constantFrom(['a'], ['b', 'c'], ['日本 語.txt'], ['.d', 'e f'])
  const settings = fc.record({
    priorities: fc.array(fc.tuple(file, fc.constantFrom('skip', 'low', 'high'))).map((pairs) => new Map(pairs)),
    names: fc.array(fc.tuple(file, path)).map((pairs) => new Map(pairs)),
    renaming: fc.option(fc.record({ file, from: path })),
    moved: fc.option(fc.record({ to: fc.constantFrom('/x', 'C:\\y', '/é'), isDone: fc.boolean() })),
    marks: fc.array(fc.string({ maxLength: 60 }), { maxLength: 4 }),
  })
  fc.assert(
    fc.property(settings, (chosen) => {
      expect(read(encodeSettings(chosen as TorrentSettings))).toEqual(chosen)
    }),
  )
})

describe('settings are refused', () => {
  const cases: [why: string, bytes: Uint8Array, code: string][] = [
    ['that are empty', new Uint8Array(0), 'not_settings'],
    ['that are cut off', encodeSettings(SOME).slice(0, -1), 'not_settings'],
    ['that are something else', encode({ announce: 'x' }), 'not_settings'],
    ['without a version', framed({ marks: [] }), 'not_settings'],
    ['of a newer version', framed({ version: 2 }), 'newer_version'],
    ['with a file that the torrent does not have', framed({ version: 1, skip: [8, 9] }), 'other_content'],
    ['with a file that no torrent has', framed({ version: 1, skip: [-1, 1] }), 'other_content'],
    ['with runs that overlap', framed({ version: 1, skip: [0, 3, 3, 4] }), 'not_settings'],
    ['with runs that end before they begin', framed({ version: 1, low: [3, 2] }), 'not_settings'],
    ['with half a run', framed({ version: 1, high: [3] }), 'not_settings'],
    ['with a path that leads out', framed({ version: 1, names: [[0, '../a']] }), 'not_settings'],
    ['with an absolute path', framed({ version: 1, names: [[0, '/etc/passwd']] }), 'not_settings'],
    ['with a name that clean-up changes', framed({ version: 1, names: [[0, 'a?']] }), 'not_settings'],
    ['with a name that is none', framed({ version: 1, names: [[0]] }), 'not_settings'],
    ['with a place that is none', framed({ version: 1, moved: ['', 0] }), 'not_settings'],
    ['that were moved perhaps', framed({ version: 1, moved: ['/a', 2] }), 'not_settings'],
    ['with many marks', framed({ version: 1, marks: ['1', '2', '3', '4', '5'] }), 'not_settings'],
    ['with a long mark', framed({ version: 1, marks: ['x'.repeat(257)] }), 'not_settings'],
    ['with a text that is no UTF-8', framed({ version: 1, marks: [Uint8Array.of(0xff)] }), 'not_settings'],
    ['with something else for a list', framed({ version: 1, marks: 1 }), 'not_settings'],
  ]
  test.each(cases)('%s', (_, bytes, code) => {
    const isOneLine = /^Cannot use \/state\/settings: [^\n]+$/
    expect(() => read(bytes)).toThrow(
      expect.objectContaining({ name: 'StateError', code, message: expect.stringMatching(isOneLine) }),
    )
  })

  test('in which any bit has changed', () => {
    const bytes = encodeSettings(SOME)
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice()
      damaged[bit >> 3] ^= 1 << (bit & 7)
      expect(() => read(damaged)).toThrow(expect.objectContaining({ name: 'StateError' }))
    }
  })

  test('when they are too many to be read again', () => {
    const long = encodeUtf8('x'.repeat(800)).length
    const names = new Map(Array.from({ length: 60_000 }, (_, file) => [file, [`${file}`.padStart(long, 'x')]]))
    expect(() => encodeSettings({ ...NO_SETTINGS, names })).toThrow(
      expect.objectContaining({ code: 'too_many_settings' }),
    )
  })
})
