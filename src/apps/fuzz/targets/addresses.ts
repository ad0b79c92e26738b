// Addresses of peers: compact records (BEP 7, 23) and texts; and which of them are worth dialling.
import {
  addressKey,
  type Address,
  bytesToIp,
  decodeCompactAddresses,
  encodeCompactAddresses,
  ipScope,
  ipToBytes,
  isIpv6,
  parseAddress,
  parseIp,
} from '../../../base/address.ts'
import { decodeUtf8, encodeUtf8 } from '../../../base/bytes.ts'
import { filterPeers, isDialable } from '../../../protocol/tracker/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import type { Target } from '../target.ts'

const IPS = [
  '0.0.0.0', '127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.1.1', '100.64.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1',
  '8.8.8.8', '::', '::1', 'fe80::1', 'fc00::1', 'fec0::1', 'ff02::1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', '1:0:0:2::3',
  '1:2:3:4:5:6:7:8',
] // prettier-ignore

const MAX_RECORDS = 500

interface Answers {
  readonly ofIpv4: readonly Address[]
  readonly ofIpv6: readonly Address[]
  readonly ip: string | null
  readonly address: Address | null
}

export const addresses: Target<Answers> = {
  name: 'addresses',
  seeds: [
    ...IPS.map((ip) => encodeUtf8(ip)),
    ...IPS.map((ip) => encodeUtf8(addressKey({ kind: 'ip', ip, port: 6881 }))),
    ...IPS.map((ip) => records(ip)),
    ...['::ffff:1.2.3.4', '::FFFF:1.2.3.4', '1::1.2.3.4:5', '01.2.3.4', '256.1.1.1', '1:2', '1:2:3:4:5:6:7::8', ':::', '1::2::3', '12345::', '1:2:3:4:5:6:7:8:9'].map((text) => encodeUtf8(text)), // prettier-ignore
    Uint8Array.of(1, 2, 3, 4, 0, 0, 1, 2, 3, 4, 0, 1, 9),
  ],
  words: [':', '::', '.', '[', ']', '::ffff:', '255', '256', '65535', '65536', '0', 'ffff', '10000', '%eth0'],
  refusals: [],
  parse(input) {
    const text = decodeUtf8(input)
    return {
      ofIpv4: decodeCompactAddresses(input, 4, MAX_RECORDS),
      ofIpv6: decodeCompactAddresses(input, 16, MAX_RECORDS),
      ip: parseIp(text),
      address: parseAddress(text),
    }
  },
  check({ ofIpv4, ofIpv6, ip, address }) {
    checkRecords(ofIpv4, 4)
    checkRecords(ofIpv6, 16)
    if (ip !== null) checkIp(ip)
    if (address === null) return
    checkIp(address.ip)
    expectSame(parseAddress(addressKey(address)), address, 'a canonical address stays as it is')
  },
  sources: [{ path: 'base/address.ts' }, { path: 'protocol/tracker/peer-filter.ts' }],
}

function records(ip: string): Uint8Array {
  return encodeCompactAddresses([1, 6881].map((port) => ({ kind: 'ip', ip, port })), isIpv6(ip) ? 16 : 4) // prettier-ignore
}

function checkIp(ip: string): void {
  const bytes = ipToBytes(ip)!
  expectTrue(bytes.length === (isIpv6(ip) ? 16 : 4), 'an IP has 4 or 16 bytes')
  expectSame([parseIp(ip), bytesToIp(bytes)], [ip, ip], 'a canonical IP stays as it is')
  expectTrue(ipScope(ip) !== 'reserved' || !isDialable({ kind: 'ip', ip, port: 1 }), 'nobody dials reserved addresses')
}

function checkRecords(found: readonly Address[], ipLength: 4 | 16): void {
  expectTrue(found.length <= MAX_RECORDS, 'records are bounded')
  for (const { ip, port } of found.slice(0, 50)) {
    expectTrue(port >= 1 && port <= 65_535, 'an address has a port')
    checkIp(ip)
  }
  const ofFamily = found.filter(({ ip }) => isIpv6(ip) === (ipLength === 16))
  expectSame(
    decodeCompactAddresses(encodeCompactAddresses(found, ipLength), ipLength),
    ofFamily,
    'records survive their writing',
  )
  const kept = filterPeers(found, [found[0]?.ip ?? '127.0.0.1'], found[0]?.port ?? 1)
  expectTrue(new Set(kept.map(addressKey)).size === kept.length && kept.every(isDialable), 'each peer is kept once')
}
