// Where blocks lie in the files of a torrent: neighbouring blocks become one part of each file that they touch, however many
// pieces they belong to. Pure.
import type { FileRun, PieceMap } from '../../../protocol/metainfo/piece-map.ts'

/** @param blocks in rising order */
export function filePartsOf(map: PieceMap, blocks: readonly number[]): FileRun[] {
  const parts: FileRun[] = []
  for (let first = 0; first < blocks.length;) {
    let length = 0
    let next = first
    do length += map.blockLength(blocks[next++])
    while (next < blocks.length && blocks[next] === blocks[next - 1] + 1)
    const [piece, begin] = [map.pieceOfBlock(blocks[first]), map.blockBegin(blocks[first])]
    for (const part of map.filesOf(piece, begin, length)) parts.push(part)
    first = next
  }
  return parts
}
