import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeTorrent } from './create.ts'
import { parseTorrent } from './torrent-file.ts'

const PIECE_LENGTH = 16_384
const element = fc.stringMatching(/^[a-z\u00e4\u4e2d][a-z0-9 .\u00e4\u4e2d]{0,10}[a-z]$/)
const url = fc.stringMatching(/^[a-z]{1,10}$/).map((host) => `http://${host}.example/announce`)
const files = fc.uniqueArray(
  fc.record({ path: fc.array(element, { minLength: 1, maxLength: 4 }), length: fc.nat({ max: 100_000 }) }),
  { minLength: 1, maxLength: 10, selector: ({ path }) => path.join('/') },
)

test('whatever a torrent is made of, it is read as it was written', () => {
  const torrents = fc.record({
    name: element,
    content: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), files),
    webSeeds: fc.uniqueArray(url, { maxLength: 3 }),
    trackers: fc.uniqueArray(url, { maxLength: 5 }).map((urls) => urls.map((each) => [each])),
    isPrivate: fc.boolean(),
    comment: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    source: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    creationDate: fc.option(fc.nat(), { nil: undefined }),
  })
  fc.assert(
    fc.property(torrents, (torrent) => {
      const list = typeof torrent.content === 'number' ? [{ path: [], length: torrent.content }] : torrent.content
      const totalSize = list.reduce((sum, { length }) => sum + length, 0)
      fc.pre(totalSize > 0)
      const pieceHashes = new Uint8Array(20 * Math.ceil(totalSize / PIECE_LENGTH)).fill(7)
      const read = parseTorrent(encodeTorrent({ ...torrent, pieceLength: PIECE_LENGTH, pieceHashes }))
      expect(read).toMatchObject({
        name: torrent.name,
        totalSize,
        pieceLength: PIECE_LENGTH,
        pieceHashes,
        isSingleFile: typeof torrent.content === 'number',
        isPrivate: torrent.isPrivate,
        trackers: torrent.trackers,
        comment: torrent.comment ?? null,
        source: torrent.source ?? null,
        creationDate: torrent.creationDate ?? null,
      })
      expect(read.files.map(({ path, length }) => ({ path, length }))).toEqual(list)
    }),
    { numRuns: 60 },
  )
})
