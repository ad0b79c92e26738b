// A known endpoint. Tagged, so that other kinds (a Tor onion, a WebRTC peer) can come beside 'ip'.
// An IP is kept as text in its one canonical form: dotted IPv4, or compressed lower-case IPv6 (RFC 5952);
// IPv4 mapped into IPv6 (::ffff:1.2.3.4) is IPv4 here, so that one peer has one key.

const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39

export interface Address {
  readonly kind: 'ip'
  /** Canonical text of the IP. */
  readonly ip: string
  /** 1 to 65535. */
  readonly port: number
}

/** `ip` must be canonical already; use `parseIp` at the door. */
export function ipAddress(ip: string, port: number): Address {
  return { kind: 'ip', ip, port }
}

/** One text per endpoint: `1.2.3.4:6881`, `[::1]:6881`. */
export function addressKey(address: Address): string {
  return isIpv6(address.ip) ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`
}

export function isIpv6(ip: string): boolean {
  return ip.includes(':')
}

/** Canonical text of an IPv4 or IPv6 address, or null. A zone (`%eth0`) is not accepted. */
export function parseIp(text: string): string | null {
  const bytes = ipToBytes(text)
  return bytes === null ? null : bytesToIp(bytes)
}

/** `1.2.3.4:6881` or `[::1]:6881`; null when it is neither, or the port is not 1 to 65535. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text)
  if (!match) return null
  const ip = parseIp(match[1] ?? match[2])
  const port = Number(match[3])
  return ip === null || port < 1 || port > 65535 ? null : ipAddress(ip, port)
}

/** 4 or 16 bytes of an IP in any textual form, or null. */
export function ipToBytes(text: string): Uint8Array | null {
  if (!text.includes(':')) return ipv4ToBytes(text)
  const halves = text.split('::')
  if (halves.length > 2 || text.length > 45) return null
  const groups = (half: string): number[] | null => {
    if (half === '') return []
    const values: number[] = []
    const parts = half.split(':')
    for (const [i, part] of parts.entries()) {
      if (part.includes('.')) {
        const v4 = i === parts.length - 1 ? ipv4ToBytes(part) : null
        if (!v4) return null
        values.push((v4[0] << 8) | v4[1], (v4[2] << 8) | v4[3])
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) values.push(Number.parseInt(part, 16))
      else return null
    }
    return values
  }
  const head = groups(halves[0])
  const tail = halves.length === 2 ? groups(halves[1]) : []
  if (!head || !tail) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const bytes = new Uint8Array(16)
  const all = [...head, ...Array<number>(missing).fill(0), ...tail]
  for (const [i, group] of all.entries()) {
    bytes[2 * i] = group >> 8
    bytes[2 * i + 1] = group & 0xff
  }
  return bytes
}

/** Canonical text of 4 or 16 bytes; a mapped IPv4 address comes out as IPv4. */
export function bytesToIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const mapped = bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)
  if (mapped) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1])
  // The longest run of two or more zero groups becomes '::', the first one on a tie (RFC 5952, 4.2).
  let bestStart = -1
  let bestLength = 1
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > bestLength) {
      bestStart = start
      bestLength = end - start
    }
  }
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':')
  if (bestStart < 0) return text(groups)
  return `${text(groups.slice(0, bestStart))}::${text(groups.slice(bestStart + bestLength))}`
}

// Digit by digit: a node of the DHT reads several addresses for each message.
function ipv4ToBytes(text: string): Uint8Array | null {
  const bytes = new Uint8Array(4)
  let parts = 0
  let digits = 0
  let value = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT
    if (code === DOT) {
      if (digits === 0 || value > 255 || parts === 4) return null
      bytes[parts++] = value
      digits = value = 0
    } else {
      // A leading zero means octal to some parsers and decimal to others: such text is no address.
      const isLeadingZero = digits > 0 && value === 0
      if (code < ZERO || code > NINE || isLeadingZero || ++digits > 3) return null
      value = 10 * value + code - ZERO
    }
  }
  return parts === 4 ? bytes : null
}

/** Where an IP can be reached from. `broadcast` is 255.255.255.255; `unspecified` is 0.0.0.0/8 and `::`. */
export type IpScope =
  'unspecified' | 'loopback' | 'link_local' | 'private' | 'multicast' | 'broadcast' | 'reserved' | 'global'

/** The scope of a canonical IP (the special-purpose registries of RFC 6890). */
export function ipScope(ip: string): IpScope {
  const bytes = ipToBytes(ip)
  if (bytes === null) return 'reserved'
  return bytes.length === 4 ? ipv4Scope(bytes) : ipv6Scope(bytes)
}

function ipv4Scope([a, b, c, d]: Uint8Array): IpScope {
  if (a === 0) return 'unspecified'
  if (a === 127) return 'loopback'
  if (a === 169 && b === 254) return 'link_local'
  if (a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168)) return 'private'
  if (a === 100 && b >= 64 && b <= 127) return 'private' // between a provider and its customers (RFC 6598)
  if (a >= 224 && a <= 239) return 'multicast'
  if (a === 255 && b === 255 && c === 255 && d === 255) return 'broadcast'
  return a >= 240 ? 'reserved' : 'global'
}

function ipv6Scope(bytes: Uint8Array): IpScope {
  if (bytes.subarray(0, 15).every((byte) => byte === 0)) {
    if (bytes[15] === 0) return 'unspecified'
    if (bytes[15] === 1) return 'loopback'
  }
  if (bytes[0] === 0xff) return 'multicast'
  if (bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80) return 'link_local'
  if ((bytes[0] & 0xfe) === 0xfc || (bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0xc0)) return 'private'
  // An IPv4 address behind a translator reaches what that IPv4 address reaches (RFC 6052, RFC 3056).
  if (isNat64(bytes)) return ipv4Scope(bytes.subarray(12))
  if (bytes[0] === 0x20 && bytes[1] === 0x02) return ipv4Scope(bytes.subarray(2, 6))
  return 'global'
}

function isNat64(bytes: Uint8Array): boolean {
  const prefix = [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]
  return prefix.every((byte, i) => bytes[i] === byte)
}

/** Bytes of the IP in a compact record: 4 (IPv4, records of 6 bytes) or 16 (IPv6, records of 18 bytes). */
export type IpLength = 4 | 16

/**
 * Addresses of compact records (BEP 23, BEP 7): IP and port, big-endian, one after the other.
 * Port 0 is nobody's and is left out, as is an incomplete record at the end. At most `limit` records are read.
 */
export function decodeCompactAddresses(bytes: Uint8Array, ipLength: IpLength, limit = Infinity): Address[] {
  const addresses: Address[] = []
  const recordLength = ipLength + 2
  const count = Math.min(Math.floor(bytes.length / recordLength), limit)
  for (let i = 0; i < count; i++) {
    const portAt = i * recordLength + ipLength
    const port = (bytes[portAt] << 8) | bytes[portAt + 1]
    if (port !== 0) addresses.push(ipAddress(bytesToIp(bytes.subarray(portAt - ipLength, portAt)), port))
  }
  return addresses
}

/** Compact records of those addresses that have an IP of this length; the others are left out. */
export function encodeCompactAddresses(addresses: readonly Address[], ipLength: IpLength): Uint8Array {
  const recordLength = ipLength + 2
  const fitting = addresses.filter((address) => isIpv6(address.ip) === (ipLength === 16))
  const bytes = new Uint8Array(fitting.length * recordLength)
  for (const [i, address] of fitting.entries()) {
    bytes.set(ipToBytes(address.ip) ?? [], i * recordLength)
    bytes[(i + 1) * recordLength - 2] = address.port >> 8
    bytes[(i + 1) * recordLength - 1] = address.port & 0xff
  }
  return bytes
}
