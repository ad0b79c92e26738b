// Node ids bound to the address that a node has on the internet (BEP 42): nobody can choose a place in the network freely.
// The first 21 bits of an id follow from the address and three bits that the node may choose, which are in its last byte.
import { ipToBytes } from '../../base/address.ts'
import { crc32c } from '../../base/crc32c.ts'
import { isLocal } from './address-range.ts'
import { ID_BYTES } from './node-id.ts'

const IPV4_MASK = Uint8Array.of(0x03, 0x0f, 0x3f, 0xff)
/** Of the upper half of an address: the lower one is its owner's to choose. */
const IPV6_MASK = Uint8Array.of(0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff)

/** An id for a node that is seen at `ip`. `random`: 20 bytes, of which the last also says which of eight places it takes. */
export function secureId(ip: string, random: Uint8Array): Uint8Array {
  const id = random.slice(0, ID_BYTES)
  const prefix = prefixOf(ip, id[19])
  id[0] = prefix >>> 24
  id[1] = prefix >>> 16
  id[2] = ((prefix >>> 8) & 0xf8) | (id[2] & 0x07)
  return id
}

/** Whether a node at `ip` may have this id. Addresses of local networks are exempt. */
export function isSecureId(id: Uint8Array, ip: string): boolean {
  if (isLocal(ip)) return true
  const prefix = prefixOf(ip, id[19])
  return id[0] === prefix >>> 24 && id[1] === ((prefix >>> 16) & 0xff) && (id[2] & 0xf8) === ((prefix >>> 8) & 0xf8)
}

/** The checksum that the first 21 bits of an id are taken from. */
function prefixOf(ip: string, lastByte: number): number {
  const bytes = ipToBytes(ip)
  if (bytes === null) throw new TypeError(`Cannot bind a node id to ${ip}: not an IP address`)
  const mask = bytes.length === 4 ? IPV4_MASK : IPV6_MASK
  const masked = mask.map((part, i) => part & bytes[i])
  masked[0] |= (lastByte & 0x07) << 5
  return crc32c(masked)
}
