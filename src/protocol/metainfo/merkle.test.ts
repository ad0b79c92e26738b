import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { concatBytes, toHex } from '../../base/bytes.ts'
import { fileTree, rootOfPieceLayer, zeroSubtreeRoot } from './merkle.ts'

interface Vector {
  readonly length: number
  readonly piece_length: number
  readonly root: string | null
  readonly piece_layer?: readonly string[] | null
  readonly piece_layer_sha256?: string | null
  readonly in_piece_layers?: boolean
}

const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/merkle.json', import.meta.url), 'utf8')) as {
  zero_subtree_roots: Record<string, string>
  vectors: Vector[]
}

test('subtrees of nothing but filling have their known roots', () => {
  for (const [height, root] of Object.entries(fixture.zero_subtree_roots)) {
    expect(toHex(zeroSubtreeRoot(Number(height)))).toBe(root)
  }
})

describe('root and piece layer are those of libtorrent', () => {
  for (const vector of fixture.vectors.filter(({ length }) => length > 0)) {
    test(`for ${vector.length} bytes in pieces of ${vector.piece_length}`, () => {
      const { root, pieceLayer } = fileTree(blockHashes(vector.length), vector.piece_length)
      const layer = pieceLayer ?? new Uint8Array(0)
      expect(toHex(root)).toBe(vector.root)
      expect(pieceLayer !== null).toBe(vector.in_piece_layers)
      expect(toHex(layer)).toBe(vector.piece_layer?.join('') ?? toHex(layer))
      expect(pieceLayer && createHash('sha256').update(layer).digest('hex')).toBe(vector.piece_layer_sha256)
      expect(toHex(pieceLayer ? rootOfPieceLayer(layer, vector.piece_length) : root)).toBe(vector.root)
    })
  }
})

function blockHashes(length: number): Uint8Array {
  const content = Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16) * 31) & 255)
  const blocks = Math.ceil(length / 16_384)
  return concatBytes(
    Array.from({ length: blocks }, (_, i) =>
      createHash('sha256')
        .update(content.subarray(i * 16_384, (i + 1) * 16_384))
        .digest(),
    ),
  )
}
