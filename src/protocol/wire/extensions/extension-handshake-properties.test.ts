import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToIp } from '../../../base/address.ts'
import { encode } from '../../bencode/index.ts'
import { decodeExtensionHandshake, encodeExtensionHandshake } from './extension-handshake.ts'

const name = fc.stringMatching(/^[a-z_]{1,20}$/)
const ip = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => bytesToIp(bytes))
const or = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(value)

test('whatever a handshake says, it is read as it was written', () => {
  const handshakes = fc.record({
    extensions: fc.array(fc.tuple(name, fc.nat({ max: 255 })), { maxLength: 20 }).map((entries) => new Map(entries)),
    client: or(fc.string({ unit: 'grapheme', maxLength: 10 })),
    requestQueue: or(fc.integer({ min: 1, max: 1_000_000 })),
    listenPort: or(fc.integer({ min: 1, max: 65_535 })),
    yourIp: or(ip),
    metadataSize: or(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    isUploadOnly: fc.boolean(),
  })
  fc.assert(
    fc.property(handshakes, (handshake) => {
      expect(decodeExtensionHandshake(encodeExtensionHandshake(handshake))).toEqual(handshake)
    }),
  )
})

test('a client of any name is shown as the beginning of that name, in whole characters', () => {
  const nothing = {
    extensions: new Map(),
    requestQueue: null,
    listenPort: null,
    yourIp: null,
    metadataSize: null,
    isUploadOnly: false,
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 40, maxLength: 100 }), (client) => {
      const shown = decodeExtensionHandshake(encodeExtensionHandshake({ ...nothing, client })).client!
      expect(client.startsWith(shown)).toBe(true)
      expect(shown.length).toBeLessThanOrEqual(64)
      expect(shown.length).toBeGreaterThanOrEqual(Math.min(client.length, 63))
      expect(shown).not.toMatch(/[\ud800-\udbff]$/)
    }),
    { numRuns: 30 },
  )
})

test('an extension whose name is longer than any is passed over', () => {
  const names = ['ut_pex', 'n'.repeat(64), 'n'.repeat(65), 'n'.repeat(10_000)]
  const payload = encode({ m: Object.fromEntries(names.map((name) => [name, 1])) })
  expect([...decodeExtensionHandshake(payload).extensions.keys()].sort()).toEqual(['n'.repeat(64), 'ut_pex'])
})
