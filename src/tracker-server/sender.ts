// Who sent a request: the IP that its socket names, as bytes. Nothing that a request says of itself has a say.
import { ipToBytes } from '../base/address.ts'

/** A compact address (BEP 23, BEP 7) of an IP as sockets name it, and a port; null where it is no IP. IPv4 mapped into IPv6 is IPv4. */
export function packAddress(ip: string, port: number): Uint8Array | null {
  const packed = ip.includes(':') ? packIpv6(ip) : packIpv4(ip)
  if (packed === null) return null
  packed[packed.length - 2] = port >> 8
  packed[packed.length - 1] = port
  return packed
}

/** The system's own text, thousands a second: read without a regular expression. */
function packIpv4(ip: string): Uint8Array | null {
  const packed = new Uint8Array(6)
  let at = 0
  let part = 0
  for (let i = 0; i < ip.length; i++) {
    const digit = ip.charCodeAt(i) - 0x30
    if (digit >= 0 && digit <= 9) part = 10 * part + digit
    else if (digit === -2 && at < 3) {
      if (part > 255) return null
      packed[at++] = part
      part = 0
    } else return null
  }
  if (at !== 3 || part > 255) return null
  packed[at] = part
  return packed
}

function packIpv6(text: string): Uint8Array | null {
  const zone = text.indexOf('%')
  const bytes = ipToBytes(zone < 0 ? text : text.slice(0, zone))
  if (bytes === null) return null
  const isMapped = bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)
  const ip = isMapped ? bytes.subarray(12) : bytes
  const packed = new Uint8Array(ip.length + 2)
  packed.set(ip)
  return packed
}
