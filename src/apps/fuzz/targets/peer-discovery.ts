// How peers tell each other of metadata and of further peers (BEP 9, 11, 14): nothing in it is trusted, all of it is bounded.
import { type Address, addressKey, ipAddress } from '../../../base/address.ts'
import { encodeUtf8 } from '../../../base/bytes.ts'
import { FormatError, PeerError } from '../../../base/errors.ts'
import { encode } from '../../../protocol/bencode/index.ts'
import { decodeLsd, encodeLsd, LSD_GROUP_V4, LSD_GROUP_V6, type LsdMessage } from '../../../protocol/lsd/lsd.ts'
import {
  decodeMetadataMessage,
  decodePex,
  encodeMetadataPart,
  encodeMetadataReject,
  encodeMetadataRequest,
  encodePex,
  METADATA_PART_BYTES,
  type MetadataMessage,
  type PexMessage,
} from '../../../protocol/wire/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureBytes, fixtureTexts } from '../fixtures.ts'
import type { Target } from '../target.ts'

const FIXTURE = 'peer-discovery.json'
const METADATA = new Uint8Array(METADATA_PART_BYTES + 100).fill(0x64)

export const metadataMessages: Target<MetadataMessage> = {
  name: 'ut-metadata',
  seeds: [
    ...fixtureTexts(FIXTURE, 'bencoded').map((text) => encodeUtf8(text)),
    encodeMetadataPart(METADATA, 0),
    encodeMetadataPart(METADATA, 1),
    encode({ msg_type: 5 }),
    encode([]),
  ],
  isBencode: true,
  words: ['msg_type', 'piece', 'total_size'],
  refusals: [PeerError],
  parse: (input) => decodeMetadataMessage(input),
  check(message) {
    if (message.kind === 'unknown') return
    const { kind, part } = message
    if (message.kind === 'data') {
      expectTrue(message.bytes.length > 0 && message.bytes.length <= METADATA_PART_BYTES, 'a part has its bounds')
    } else {
      const written = kind === 'request' ? encodeMetadataRequest(part) : encodeMetadataReject(part)
      expectSame(decodeMetadataMessage(written), message, 'a message survives its writing')
    }
  },
  sources: [{ path: 'protocol/wire/extensions/ut-metadata.ts', without: ['metadataParts'] }],
}

export const pexMessages: Target<PexMessage> = {
  name: 'ut-pex',
  seeds: [
    ...fixtureBytes(FIXTURE, 'hex'),
    encodePex({
      added: [
        {
          address: ipAddress('2001:db8::1', 6881),
          flags: {
            prefersEncryption: true,
            isUploadOnly: true,
            hasUtp: true,
            hasHolepunch: true,
            isReachable: true,
          },
        },
      ],
      dropped: [ipAddress('1.2.3.4', 1), ipAddress('::1', 2)],
    }),
    encode({ added: new Uint8Array(6 * 300).fill(9), added6: new Uint8Array(18), dropped: 1 }),
    encode([]),
  ],
  isBencode: true,
  words: ['added', 'added.f', 'added6', 'added6.f', 'dropped', 'dropped6'],
  refusals: [PeerError],
  parse: (input) => decodePex(input),
  check(message) {
    const { added, dropped } = message
    expectTrue(added.length <= 400 && dropped.length <= 400, 'lists are bounded')
    const gone = new Set(dropped.map(addressKey))
    expectTrue(!added.some(({ address }) => gone.has(addressKey(address))), 'nobody is added and dropped')
    for (const { port } of dropped) expectTrue(port >= 1 && port <= 65_535, 'ports are ports')
    if (added.length > 50 || dropped.length > 50) return
    expectSame(inOrder(decodePex(encodePex(message))), inOrder(message), 'a message survives its writing')
  },
  sources: [{ path: 'protocol/wire/extensions/ut-pex.ts' }],
}

/** An IPv4 address that came as a mapped one goes out as what it is, in the other list. */
function inOrder({ added, dropped }: PexMessage): PexMessage {
  const compare = (a: Address, b: Address): number => (addressKey(a) < addressKey(b) ? -1 : 1)
  return {
    added: added.toSorted((a, b) => compare(a.address, b.address)),
    dropped: dropped.toSorted(compare),
  }
}

export const lsdMessages: Target<LsdMessage> = {
  name: 'lsd',
  seeds: [
    ...fixtureTexts(FIXTURE, 'example_ascii').map((text) => encodeUtf8(text)),
    encodeLsd({ port: 1, infohashes: [new Uint8Array(20), new Uint8Array(20).fill(255)], cookie: null }, LSD_GROUP_V6),
    encodeUtf8('BT-SEARCH * HTTP/1.1\r\nPort: 80\r\n\r\n'),
    encodeUtf8(`BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: ${'0'.repeat(40)}\r\n\r\n`),
    encodeUtf8(`BT-SEARCH * HTTP/1.1\r\nPort: 9\r\nInfohash: ${'0'.repeat(41)}\r\n\r\n`),
    new Uint8Array(1401).fill(0x41),
  ],
  words: ['BT-SEARCH * HTTP/1.1', 'Host:', 'Port:', 'Infohash:', 'cookie:', '\r\n', '\n'],
  refusals: [FormatError],
  parse: (input) => decodeLsd(input),
  check(message) {
    const { port, infohashes, cookie } = message
    expectTrue(port >= 1 && port <= 65_535 && infohashes.length >= 1 && infohashes.length <= 20, 'all is in bounds')
    expectTrue(
      infohashes.every(({ length }) => length === 20) && (cookie?.length ?? 0) <= 64,
      'hashes and cookies have their length',
    )
    const known = { port, infohashes, cookie: null }
    expectSame(decodeLsd(encodeLsd(known, LSD_GROUP_V4)), known, 'a message survives its writing')
  },
  sources: [{ path: 'protocol/lsd/lsd.ts', without: ['encodeLsd'] }],
}
