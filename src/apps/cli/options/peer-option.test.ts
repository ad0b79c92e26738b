import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import type { Context } from '../context.ts'
import { parsePeer, resolvePeer } from './peer-option.ts'

test.for([
  ['1.2.3.4:6881', '1.2.3.4', true],
  ['[::1]:6881', '::1', true],
  ['[2001:DB8:0::1]:6881', '2001:db8::1', true],
  ['localhost:6881', 'localhost', false],
  ['my-host.example:6881', 'my-host.example', false],
] as const)('%s is a peer', ([text, host, isIp]) => {
  expect(parsePeer(text)).toEqual({ host, isIp, port: 6881 })
})

test.for([
  '',
  ':6881',
  'host',
  'host:',
  'host:0',
  'host:65536',
  '::1:6881',
  '[::1]',
  '1.2.3:6881',
  '256.1.1.1:6881',
  '-host:1',
  'a b:1',
  `${'x'.repeat(256)}:1`,
  'http://host:80',
])('"%s" is none', (text) => {
  expect(() => parsePeer(text)).toThrow(InvalidArgumentError)
})

const context = {
  lookup: async (host: string) => (host === 'both.example' ? ['10.0.0.1', '2001:db8::1'] : []),
} as unknown as Context

test('a name gives all of its addresses', async () => {
  const peer = parsePeer('both.example:1')
  expect(await resolvePeer(peer, undefined, context)).toEqual(['10.0.0.1:1', '[2001:db8::1]:1'])
})

test('with a local address only those of its family can be dialled', async () => {
  const peer = parsePeer('both.example:1')
  expect(await resolvePeer(peer, '127.0.0.1', context)).toEqual(['10.0.0.1:1'])
  expect(await resolvePeer(peer, '::1', context)).toEqual(['[2001:db8::1]:1'])
})

test('a name is looked up from the interface, which has the addresses that it has', async () => {
  const asked: unknown[] = []
  const lookup = async (...args: unknown[]) => {
    asked.push(args)
    return ['10.0.0.1', '2001:db8::1']
  }
  const peer = parsePeer('both.example:1')
  expect(await resolvePeer(peer, 'wg0', { lookup } as unknown as Context)).toEqual(['10.0.0.1:1', '[2001:db8::1]:1'])
  expect(asked).toEqual([['both.example', 'wg0']])
})

test('a peer that cannot be dialled from there is told', async () => {
  await expect(resolvePeer(parsePeer('[::1]:1'), '127.0.0.1', context)).rejects.toThrow('no address of the family of')
})
