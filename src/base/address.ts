// A known endpoint. Tagged, so that other kinds (a Tor onion, a WebRTC peer) can come beside 'ip'.
// An IP is kept as text in its one canonical form: dotted IPv4, or compressed lower-case IPv6 (RFC 5952);
// IPv4 mapped into IPv6 (::ffff:1.2.3.4) is IPv4 here, so that one peer has one key.

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

function ipv4ToBytes(text: string): Uint8Array | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return null
  const bytes = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    const part = match[i + 1]
    // A leading zero means octal to some parsers and decimal to others: such text is no address.
    if (Number(part) > 255 || (part.length > 1 && part[0] === '0')) return null
    bytes[i] = Number(part)
  }
  return bytes
}
