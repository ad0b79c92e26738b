// A node that can be asked: its id and its address; and such nodes as they stand in messages (BEP 5; IPv6: BEP 32).
import {
  decodeCompactAddresses,
  encodeCompactAddresses,
  isIpv6,
  type Address,
  type IpLength,
} from '../../base/address.ts'
import { concatBytes } from '../../base/bytes.ts'
import { ID_BYTES } from './node-id.ts'

export interface Contact {
  /** 20 bytes. */
  readonly id: Uint8Array
  readonly address: Address
}

/** IPv4 and IPv6 are two networks that know nothing of each other (BEP 32). */
export type Family = 4 | 6

export function familyOf(ip: string): Family {
  return isIpv6(ip) ? 6 : 4
}

/** Bytes of an IP of this family. */
export function ipLengthOf(family: Family): IpLength {
  return family === 4 ? 4 : 16
}

/** Bytes of its compact record. */
export function contactBytes({ address }: Contact): number {
  return recordBytes(familyOf(address.ip))
}

function recordBytes(family: Family): number {
  return ID_BYTES + ipLengthOf(family) + 2
}

/**
 * Contacts of compact records, 26 bytes each for IPv4 and 38 for IPv6, at most `limit` of them. Null when the length is no
 * multiple of that. Left out are those without a port, and IPv4 addresses in records of IPv6.
 */
export function decodeContacts(bytes: Uint8Array, family: Family, limit: number): Contact[] | null {
  const recordLength = recordBytes(family)
  if (bytes.length % recordLength !== 0) return null
  const contacts: Contact[] = []
  for (let at = 0; at < bytes.length && contacts.length < limit; at += recordLength) {
    const endpoint = bytes.subarray(at + ID_BYTES, at + recordLength)
    const [address] = decodeCompactAddresses(endpoint, ipLengthOf(family))
    if (address === undefined || familyOf(address.ip) !== family) continue
    contacts.push({ id: bytes.slice(at, at + ID_BYTES), address })
  }
  return contacts
}

/** Contacts of the other family are left out. */
export function encodeContacts(contacts: readonly Contact[], family: Family): Uint8Array {
  const parts: Uint8Array[] = []
  for (const { id, address } of contacts) {
    if (familyOf(address.ip) === family) parts.push(id, encodeCompactAddresses([address], ipLengthOf(family)))
  }
  return concatBytes(parts)
}
