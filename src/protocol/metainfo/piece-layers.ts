// The piece layers of a v2 torrent (BEP 52): for each file of more than one piece, the hashes of its pieces.
// They stand outside the info dictionary, so each is proven against its file's root.
import { equalBytes, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { keyToBytes, type BencodeDict } from '../bencode/index.ts'
import { rootOfPieceLayer } from './merkle.ts'
import type { Metainfo, TorrentFile } from './metainfo.ts'
import { shownPath } from './shown-text.ts'

const HASH_BYTES = 32

/**
 * Layers by root (hex). Empty when the torrent brings none, as after a magnet link.
 * Throws FormatError `piece_layer`: one is missing, of a wrong size, belongs to no file, or does not lead to its root.
 */
export function readPieceLayers(
  layers: BencodeDict | null,
  { files, pieceLength }: Pick<Metainfo, 'files' | 'pieceLength'>,
): ReadonlyMap<string, Uint8Array> {
  const checked = new Map<string, Uint8Array>()
  if (layers === null) return checked
  const unclaimed = new Map<string, Uint8Array | null>()
  for (const [i, key] of layers.keys.entries()) {
    const layer = layers.values[i]
    unclaimed.set(toHex(keyToBytes(key)), layer instanceof Uint8Array ? layer : null)
  }
  for (const file of files) {
    if (file.piecesRoot === null || file.length <= pieceLength) continue
    const root = toHex(file.piecesRoot)
    if (checked.has(root)) continue // the same content twice
    checked.set(root, checkLayer(unclaimed.get(root) ?? null, file, file.piecesRoot, pieceLength))
    unclaimed.delete(root)
  }
  for (const root of unclaimed.keys()) throw layerError(`belongs to no file: ${root}`)
  return checked
}

function checkLayer(layer: Uint8Array | null, file: TorrentFile, root: Uint8Array, pieceLength: number): Uint8Array {
  if (layer === null) throw layerError(`of ${shownPath(file.path)} is missing`)
  const expected = Math.ceil(file.length / pieceLength) * HASH_BYTES
  if (layer.length !== expected)
    throw layerError(`of ${shownPath(file.path)} has ${layer.length} bytes instead of ${expected}`)
  if (!equalBytes(rootOfPieceLayer(layer, pieceLength), root))
    throw layerError(`of ${shownPath(file.path)} does not lead to its root`)
  return layer
}

function layerError(problem: string): FormatError {
  return new FormatError('piece_layer', `Cannot read torrent: a piece layer ${problem}`)
}
