import { expect, test } from 'vitest'
import { MetadataFetch } from '../../policy/metadata-fetch.ts'
import { MetadataMemory } from './metadata-memory.ts'

const MIB = 1 << 20

test('of many links with large metadata, the largest copies give way, and a small one is not touched', () => {
  const memory = new MetadataMemory()
  const part = new Uint8Array(MIB)
  const newFetch = (): MetadataFetch<string> => {
    const fetch = new MetadataFetch<string>({ partBytes: MIB, maxBytes: 64 * MIB, verify: () => false })
    memory.enter(fetch)
    return fetch
  }
  const receive = (fetch: MetadataFetch<string>): void => {
    for (const request of fetch.requests(0)) {
      fetch.onPart(request.peer, request.part, null, part)
      memory.onReceived(MIB)
    }
  }
  const small = newFetch()
  small.offer('small', 10 * MIB)
  receive(small)
  const large = Array.from({ length: 10 }, () => newFetch())
  for (const fetch of large) fetch.offer('large', 64 * MIB)
  const all = [small, ...large]
  for (let round = 0; round < 7; round++) {
    for (const fetch of large) receive(fetch)
    expect(all.reduce((sum, { held }) => sum + held, 0)).toBeLessThanOrEqual(128 * MIB)
  }
  expect(small.held).toBe(8 * MIB)
  expect(Math.max(...large.map(({ held }) => held))).toBeGreaterThan(8 * MIB)
  for (const fetch of all) fetch.stop()
  expect(all.reduce((sum, { held }) => sum + held, 0)).toBe(0)
})
