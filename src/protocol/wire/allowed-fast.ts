// BEP 6: the pieces that a peer may ask for while it is choked, computed from its address so that
// it cannot get another set by connecting again.
import { ipToBytes } from '../../base/address.ts'
import { concatBytes, viewOf } from '../../base/bytes.ts'
import { sha1 } from '../../base/digest.ts'

/**
 * The canonical set, in order. Empty for IPv6, which BEP 6 does not define.
 * @param count how many pieces to allow; at most all of them
 */
export function allowedFastSet(ip: string, infohash: Uint8Array, pieceCount: number, count: number): number[] {
  const bytes = ipToBytes(ip)
  if (bytes?.length !== 4) return []
  const network = Uint8Array.of(bytes[0], bytes[1], bytes[2], 0)
  const wanted = Math.min(count, pieceCount)
  const set = new Set<number>()
  for (let hash = sha1(concatBytes([network, infohash])); set.size < wanted; hash = sha1(hash)) {
    const view = viewOf(hash)
    for (let i = 0; i < 5 && set.size < wanted; i++) set.add(view.getUint32(4 * i) % pieceCount)
  }
  return [...set]
}
