// The hash trees of BitTorrent v2 (BEP 52): SHA-256 over blocks of 16 KiB, two by two up to one root per file.
// A tree is filled up with zero hashes to a power of two; what covers only such filling is left out of a piece layer.
import { concatBytes } from '../../base/bytes.ts'
import { sha256 } from '../../base/digest.ts'
import { BLOCK_BYTES } from './piece-map.ts'

const HASH_BYTES = 32

/** Root of a subtree of this height whose leaves are all zero. */
export function zeroSubtreeRoot(height: number): Uint8Array {
  for (let known = zeroRoots.length; known <= height; known++) {
    zeroRoots.push(sha256(concatBytes([zeroRoots[known - 1], zeroRoots[known - 1]])))
  }
  return zeroRoots[height]
}
const zeroRoots: Uint8Array[] = [new Uint8Array(HASH_BYTES)]

/**
 * Root over these hashes, filled up to a power of two.
 * @param hashes 32 bytes each, at least one
 * @param height of the subtree that each hash stands for: 0 for block hashes
 */
export function merkleRoot(hashes: Uint8Array, height: number): Uint8Array {
  let layer = hashes
  for (let level = height; layer.length > HASH_BYTES; level++) layer = layerAbove(layer, level)
  return layer
}

/** Root of a file from its piece layer. `pieceLength` is a power of two of at least 16 KiB. */
export function rootOfPieceLayer(layer: Uint8Array, pieceLength: number): Uint8Array {
  return merkleRoot(layer, Math.log2(pieceLength / BLOCK_BYTES))
}

/**
 * Root and piece layer of a file from the SHA-256 of its blocks (the last block as short as it is).
 * The layer is null for a file of one piece, which needs none.
 */
export function fileTree(
  blockHashes: Uint8Array,
  pieceLength: number,
): { root: Uint8Array; pieceLayer: Uint8Array | null } {
  const blocksPerPiece = pieceLength / BLOCK_BYTES
  if (blockHashes.length <= blocksPerPiece * HASH_BYTES) return { root: merkleRoot(blockHashes, 0), pieceLayer: null }
  const height = Math.log2(blocksPerPiece)
  let layer = blockHashes
  for (let level = 0; level < height; level++) layer = layerAbove(layer, level)
  return { root: merkleRoot(layer, height), pieceLayer: layer }
}

function layerAbove(layer: Uint8Array, level: number): Uint8Array {
  const pairs = Math.ceil(layer.length / (2 * HASH_BYTES))
  const above = new Uint8Array(pairs * HASH_BYTES)
  for (let pair = 0; pair < pairs; pair++) {
    const start = pair * 2 * HASH_BYTES
    const children = layer.subarray(start, start + 2 * HASH_BYTES)
    const whole = children.length === 2 * HASH_BYTES ? children : concatBytes([children, zeroSubtreeRoot(level)])
    above.set(sha256(whole), pair * HASH_BYTES)
  }
  return above
}
