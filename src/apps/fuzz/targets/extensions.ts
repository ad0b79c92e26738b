// Extension messages between peers (BEP 10, 21): what a handshake claims is bounded, and can be written again.
import { PeerError } from '../../../base/errors.ts'
import { encode } from '../../../protocol/bencode/index.ts'
import {
  decodeExtensionHandshake,
  decodeUploadOnly,
  encodeExtensionHandshake,
  encodeUploadOnly,
  type ExtensionHandshake,
} from '../../../protocol/wire/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureBytes } from '../fixtures.ts'
import { type Target, unlessRefused } from '../target.ts'

const REFUSALS = [PeerError]
/** Length, id of the message, id of the extension. */
const HEAD_BYTES = 6

interface Answers {
  readonly isUploadOnly: boolean | null
  readonly handshake: ExtensionHandshake | null
}

export const extensions: Target<Answers> = {
  name: 'extensions',
  seeds: [
    ...fixtureBytes('wire.json', 'hex')
      .filter((bytes) => bytes[4] === 20)
      .map((bytes) => bytes.slice(HEAD_BYTES)),
    encodeExtensionHandshake({
      extensions: new Map([
        ['upload_only', 3],
        ['ut_metadata', 2],
      ]),
      client: 'Client 1.0',
      requestQueue: 250,
      listenPort: 6881,
      yourIp: '::1',
      metadataSize: 31_235,
      isUploadOnly: true,
    }),
    encode({ m: Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`extension ${i}`, i])) }),
    encode({ v: '\u{1f600}'.repeat(40), yourip: Uint8Array.of(127, 0, 0, 1) }),
    encode([]),
    encodeUploadOnly(true),
  ],
  isBencode: true,
  words: ['m', 'p', 'v', 'reqq', 'yourip', 'metadata_size', 'upload_only', 'ut_pex', '\u{1f600}', 'ipv6'],
  refusals: REFUSALS,
  parse: (input) => ({
    isUploadOnly: unlessRefused(REFUSALS, () => decodeUploadOnly(input)),
    handshake: unlessRefused(REFUSALS, () => decodeExtensionHandshake(input)),
  }),
  check({ isUploadOnly, handshake }) {
    if (isUploadOnly !== null)
      expectTrue(decodeUploadOnly(encodeUploadOnly(isUploadOnly)) === isUploadOnly, 'a byte is a byte')
    if (handshake === null) return
    expectTrue(handshake.extensions.size <= 64 && (handshake.client ?? '').length <= 64, 'claims are bounded')
    for (const name of handshake.extensions.keys()) expectTrue(name.length <= 64, 'names of extensions are bounded')
    expectSame(
      decodeExtensionHandshake(encodeExtensionHandshake(handshake)),
      handshake,
      'a handshake survives its writing',
    )
  },
  sources: [
    { path: 'protocol/wire/extensions/extension-handshake.ts' },
    { path: 'protocol/wire/extensions/upload-only.ts' },
  ],
}
