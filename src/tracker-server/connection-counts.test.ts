import { expect, test } from 'vitest'
import { ConnectionCounts } from './connection-counts.ts'

test('a source has so many connections, others have theirs, and each that ends makes room', () => {
  const counts = new ConnectionCounts(2)
  const first = counts.add('1.1.1.1')
  expect([counts.add('1.1.1.1'), counts.add('1.1.1.1')]).toEqual([expect.any(Function), null])
  expect(counts.add('1.1.1.2')).not.toBe(null)
  first!()
  expect([counts.add('::ffff:1.1.1.1'), counts.add('1.1.1.1')]).toEqual([expect.any(Function), null])
})

test('a household has one /64', () => {
  const counts = new ConnectionCounts(1)
  expect(counts.add('2001:db8::1')).not.toBe(null)
  expect(counts.add('2001:db8::2')).toBe(null)
  expect(counts.add('2001:db8:0:1::1')).not.toBe(null)
  expect(counts.add('fe80::1%eth0')).not.toBe(null)
})

test('loopback is not counted, and nothing is kept of those who have gone', () => {
  const counts = new ConnectionCounts(1)
  for (const ip of ['127.0.0.1', '127.0.0.1', '::1', '::1', '']) expect(counts.add(ip)).not.toBe(null)
  counts.add('1.1.1.1')!()
  expect(counts.sources).toBe(0)
})
