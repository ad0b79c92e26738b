import { expect, test } from 'vitest'
import { boundAddresses } from './bound-addresses.ts'

test('an IP of this machine gives itself', () => {
  expect(boundAddresses('127.0.0.1')).toEqual(['127.0.0.1'])
})

test('what this machine does not have is an error', () => {
  expect(() => boundAddresses('192.0.2.1')).toThrow(
    'Cannot bind to address 192.0.2.1: this machine has no such address',
  )
  expect(() => boundAddresses('no-such-interface')).toThrow('there is no such interface that has an address, but ')
})
