import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { concatBytes, encodeUtf8 } from '../../../base/bytes.ts'
import { PeerError } from '../../../base/errors.ts'
import {
  decodeMetadataMessage,
  encodeMetadataPart,
  encodeMetadataReject,
  encodeMetadataRequest,
  METADATA_PART_BYTES,
  metadataParts,
} from './ut-metadata.ts'

interface Fixture {
  readonly sections: { readonly bep9_ut_metadata: { readonly messages: readonly { readonly bencoded: string }[] } }
}
const [request, data, reject] = (
  JSON.parse(
    readFileSync(new URL('../../../../tests/fixtures/peer-discovery.json', import.meta.url), 'utf8'),
  ) as Fixture
).sections.bep9_ut_metadata.messages.map(({ bencoded }) => encodeUtf8(bencoded))
const refusal = (payload: Uint8Array | string): string => {
  try {
    return decodeMetadataMessage(typeof payload === 'string' ? encodeUtf8(payload) : payload).kind
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    return error.code
  }
}

test('the messages of BEP 9 are understood', () => {
  const bytes = new Uint8Array(METADATA_PART_BYTES).fill(7)
  expect(decodeMetadataMessage(request)).toEqual({ kind: 'request', part: 0 })
  expect(decodeMetadataMessage(reject)).toEqual({ kind: 'reject', part: 0 })
  expect(decodeMetadataMessage(concatBytes([data, bytes]))).toEqual({ kind: 'data', part: 0, totalSize: 34_256, bytes })
})

test('requests and rejects are written as in BEP 9', () => {
  expect(encodeMetadataRequest(0)).toEqual(request)
  expect(encodeMetadataReject(0)).toEqual(reject)
})

test('metadata survives being sent in parts', () => {
  const metadata = Uint8Array.from({ length: 2 * METADATA_PART_BYTES + 5 }, (_, i) => i % 251)
  const parts = Array.from({ length: metadataParts(metadata.length) }, (_, part) =>
    decodeMetadataMessage(encodeMetadataPart(metadata, part)),
  )
  expect(parts.map((part) => part.kind === 'data' && [part.part, part.totalSize, part.bytes.length])).toEqual([
    [0, metadata.length, METADATA_PART_BYTES],
    [1, metadata.length, METADATA_PART_BYTES],
    [2, metadata.length, 5],
  ])
  expect(concatBytes(parts.map((part) => (part.kind === 'data' ? part.bytes : new Uint8Array())))).toEqual(metadata)
})

test('what is no message is refused', () => {
  expect(refusal('')).toBe('bad_metadata_message')
  expect(refusal('le')).toBe('bad_metadata_message')
  expect(refusal('d5:piecei0ee')).toBe('bad_metadata_message')
  expect(refusal('d8:msg_typei0ee')).toBe('bad_metadata_message')
  expect(refusal('d8:msg_typei0e5:piecei-1ee')).toBe('bad_metadata_message')
  expect(refusal('d8:msg_typei0e5:piecei131072ee')).toBe('bad_metadata_message')
  expect(refusal(`d8:msg_typei0e1:xl${'i1e'.repeat(100)}ee`)).toBe('bad_metadata_message')
})

test('a part of no bytes, or of too many, is refused', () => {
  expect(refusal(data)).toBe('bad_metadata_message')
  expect(refusal(concatBytes([data, new Uint8Array(METADATA_PART_BYTES + 1)]))).toBe('bad_metadata_message')
  expect(refusal(concatBytes([data, new Uint8Array(METADATA_PART_BYTES)]))).toBe('data')
})

test('messages of a kind that nobody knows are passed over', () => {
  expect(refusal('d8:msg_typei77ee')).toBe('unknown')
})
