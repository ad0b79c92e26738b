import { expect, test } from 'vitest'
import { parseIp } from '../../base/address.ts'
import { lookup, ownAddresses } from './lookup.ts'

test('an IP is its own answer, in canonical form', async () => {
  expect(await lookup('127.0.0.1', 'any')).toEqual(['127.0.0.1'])
  expect(await lookup('[0:0::1]', 6)).toEqual(['::1'])
  expect(await lookup('::ffff:10.0.0.1', 4)).toEqual(['10.0.0.1'])
})

test('an IP of the other family is not found', async () => {
  await expect(lookup('127.0.0.1', 6)).rejects.toMatchObject({ name: 'NetworkError', code: 'name_not_found' })
  await expect(lookup('::1', 4)).rejects.toMatchObject({ code: 'name_not_found' })
})

test('localhost is found, and a family is kept to', async () => {
  expect(await lookup('localhost', 4)).toContain('127.0.0.1')
})

test('a name that cannot exist is name_not_found', async () => {
  await expect(lookup('no..such..name', 'any')).rejects.toMatchObject({ code: 'name_not_found' })
  await expect(lookup('', 'any')).rejects.toMatchObject({ code: 'name_not_found' })
})

test("this machine's addresses are canonical and hold loopback", () => {
  const own = ownAddresses()
  expect(own).toContain('127.0.0.1')
  for (const ip of own) expect(parseIp(ip)).toBe(ip)
})
