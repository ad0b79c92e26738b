// Peer exchange (BEP 11): a peer tells whom it has met and whom it has lost since its last message. All of it is hearsay:
// what is over the bounds, or nobody's address, is left out. How often it may be said, and what is made of it, is not decided here.
import {
  type Address,
  addressKey,
  bytesToIp,
  ipAddress,
  ipToBytes,
  isIpv6,
  type IpLength,
} from '../../../base/address.ts'
import { concatBytes } from '../../../base/bytes.ts'
import { FormatError, PeerError } from '../../../base/errors.ts'
import { BencodeDict, decodePrefix, encode } from '../../bencode/index.ts'

/** The extension's name in the handshake. */
export const UT_PEX = 'ut_pex'
/** Peers that one message adds, and as many that it drops, of both families together. */
export const MAX_PEX_PEERS = 50

export interface PexFlags {
  readonly prefersEncryption: boolean
  /** It wants nothing: a seed, most often. */
  readonly isUploadOnly: boolean
  readonly hasUtp: boolean
  readonly hasHolepunch: boolean
  /** The sender has dialled it with success. */
  readonly isReachable: boolean
}

export interface PexPeer {
  readonly address: Address
  readonly flags: PexFlags
}

export interface PexMessage {
  readonly added: readonly PexPeer[]
  readonly dropped: readonly Address[]
}

const PREFERS_ENCRYPTION = 0x01
const UPLOAD_ONLY = 0x02
const HAS_UTP = 0x04
const HAS_HOLEPUNCH = 0x08
const REACHABLE = 0x10
/** Read of each list: the first message may have more than 50, and some clients always do. */
const MAX_READ = 200
/** Values of a message: there are six, and room for what others add. */
const MAX_VALUES = 100

/** At most 50 peers added, and 50 dropped, are written: the first ones. */
export function encodePex({ added, dropped }: PexMessage): Uint8Array {
  const [most, gone] = [added.slice(0, MAX_PEX_PEERS), dropped.slice(0, MAX_PEX_PEERS)]
  const [v4, v6] = [false, true].map((wanted) => most.filter(({ address }) => isIpv6(address.ip) === wanted))
  const [gone4, gone6] = [false, true].map((wanted) => gone.filter(({ ip }) => isIpv6(ip) === wanted))
  return encode({
    added: records(v4.map(({ address }) => address)),
    'added.f': flagBytes(v4),
    added6: records(v6.map(({ address }) => address)),
    'added6.f': flagBytes(v6),
    dropped: records(gone4),
    dropped6: records(gone6),
  })
}

function records(addresses: readonly Address[]): Uint8Array {
  return concatBytes(addresses.flatMap(({ ip, port }) => [ipToBytes(ip)!, Uint8Array.of(port >> 8, port & 0xff)]))
}

function flagBytes(peers: readonly PexPeer[]): Uint8Array {
  return Uint8Array.from(
    peers,
    ({ flags }) =>
      (flags.prefersEncryption ? PREFERS_ENCRYPTION : 0) |
      (flags.isUploadOnly ? UPLOAD_ONLY : 0) |
      (flags.hasUtp ? HAS_UTP : 0) |
      (flags.hasHolepunch ? HAS_HOLEPUNCH : 0) |
      (flags.isReachable ? REACHABLE : 0),
  )
}

/** Each address once, and none that is dropped in the same breath. Throws PeerError `bad_pex_message` when it is no dictionary. */
export function decodePex(payload: Uint8Array): PexMessage {
  const dict = decodeDict(payload)
  const dropped = new Map<string, Address>()
  for (const { address } of [...readPeers(dict, 'dropped', 4), ...readPeers(dict, 'dropped6', 16)])
    dropped.set(addressKey(address), address)
  const added = new Map<string, PexPeer>()
  for (const peer of [...readPeers(dict, 'added', 4), ...readPeers(dict, 'added6', 16)]) {
    const key = addressKey(peer.address)
    if (!dropped.has(key) && !added.has(key)) added.set(key, peer)
  }
  return { added: [...added.values()], dropped: [...dropped.values()] }
}

/** Flags that are missing are taken for none. */
function readPeers(dict: BencodeDict, key: string, ipLength: IpLength): PexPeer[] {
  const bytes = dict.bytes(key) ?? new Uint8Array(0)
  const flags = dict.bytes(`${key}.f`) ?? new Uint8Array(0)
  const peers: PexPeer[] = []
  const recordLength = ipLength + 2
  const count = Math.min(MAX_READ, Math.floor(bytes.length / recordLength))
  for (let i = 0; i < count; i++) {
    const record = bytes.subarray(i * recordLength, (i + 1) * recordLength)
    const port = (record[ipLength] << 8) | record[ipLength + 1]
    if (port === 0) continue
    peers.push({ address: ipAddress(bytesToIp(record.subarray(0, ipLength)), port), flags: readFlags(flags[i] ?? 0) })
  }
  return peers
}

function readFlags(byte: number): PexFlags {
  return {
    prefersEncryption: (byte & PREFERS_ENCRYPTION) !== 0,
    isUploadOnly: (byte & UPLOAD_ONLY) !== 0,
    hasUtp: (byte & HAS_UTP) !== 0,
    hasHolepunch: (byte & HAS_HOLEPUNCH) !== 0,
    isReachable: (byte & REACHABLE) !== 0,
  }
}

function decodeDict(payload: Uint8Array): BencodeDict {
  try {
    const { value } = decodePrefix(payload, { lenient: true, maxDepth: 10, maxItems: MAX_VALUES })
    if (value instanceof BencodeDict) return value
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new PeerError('bad_pex_message', `A ut_pex message is not bencode: ${error.message}`)
  }
  throw new PeerError('bad_pex_message', 'A ut_pex message is not a dictionary')
}
