import { expect, test } from 'vitest'
import { BLOCK_BYTES, type PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import type { BlockSource, Download } from '../download.ts'
import { BlockStream } from './block-stream.ts'

/** Blocks that come, and what somebody does at each. */
function streamOf(onBlock: (block: number, stream: BlockStream) => void): { stream: BlockStream; came: number[] } {
  const came: number[] = []
  const download = { startBlock: () => null } as Partial<Download<BlockSource>> as Download<BlockSource>
  const map = { blockLength: () => BLOCK_BYTES } as Partial<PieceMap> as PieceMap
  const stream: BlockStream = new BlockStream({} as BlockSource, {
    map,
    download,
    onBlock: (block) => {
      came.push(block)
      onBlock(block, stream)
    },
  })
  return { stream, came }
}

test('blocks are told in the order in which they are expected, however the bytes are cut', () => {
  const { stream, came } = streamOf(() => {})
  stream.expect([4, 5, 9])
  for (let sent = 0; sent < 3 * BLOCK_BYTES; sent += 1024 * 6) {
    stream.write(new Uint8Array(Math.min(1024 * 6, 3 * BLOCK_BYTES - sent)))
  }
  expect(came).toEqual([4, 5, 9])
})

test('bytes that nobody expects are thrown away', () => {
  const { stream, came } = streamOf(() => {})
  stream.expect([4])
  stream.write(new Uint8Array(3 * BLOCK_BYTES))
  expect(came).toEqual([4])
})

test('whoever aborts in the middle of a chunk gets nothing more of it, not even as what is expected next', () => {
  const { stream, came } = streamOf((block) => {
    if (block !== 4) return
    stream.abort()
    stream.expect([7, 8])
  })
  stream.expect([4, 5])
  stream.write(new Uint8Array(2 * BLOCK_BYTES))
  expect(came).toEqual([4])
  stream.write(new Uint8Array(2 * BLOCK_BYTES))
  expect(came).toEqual([4, 7, 8])
})
