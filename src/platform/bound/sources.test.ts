import { expect, test } from 'vitest'
import { cutOffSentence, type LocalAddress, NO_SOURCES, sourcesOf } from './sources.ts'

/** `eth0 10.0.0.1` and so on. */
function machine(...addresses: readonly string[]): LocalAddress[] {
  return addresses.map((text) => {
    const [name, ip] = text.split(' ')
    return { ip, interface: name }
  })
}

/** What is used on the machine, both families: `10.0.0.1 -`. */
function used(bind: string, addresses: readonly LocalAddress[], before = NO_SOURCES): string {
  const { 4: v4, 6: v6 } = sourcesOf(bind, addresses, before)
  return `${v4?.ip ?? '-'} ${v6?.ip ?? '-'}`
}

const HOME = machine('lo 127.0.0.1', 'lo ::1', 'eth0 192.168.1.2', 'eth0 fe80::2', 'eth0 2001:db8::2', 'wg0 10.9.0.2')

test('an interface gives one address of each family that it has', () => {
  expect(['eth0', 'wg0', 'lo', 'wg1'].map((name) => used(name, HOME))).toEqual([
    '192.168.1.2 2001:db8::2',
    '10.9.0.2 -',
    '127.0.0.1 ::1',
    '- -',
  ])
})

test('an IP gives itself as long as the machine has it, and nothing of the other family', () => {
  expect(['192.168.1.2', '2001:db8::2', '192.168.1.3'].map((ip) => used(ip, HOME))).toEqual([
    '192.168.1.2 -',
    '- 2001:db8::2',
    '- -',
  ])
})

test('all of 127.0.0.0/8 is ours, while there is a loopback interface', () => {
  expect(used('127.0.0.77', HOME)).toBe('127.0.0.77 -')
  expect(used('127.0.0.77', machine('eth0 192.168.1.2'))).toBe('- -')
})

test('of several the one that reaches farthest is used; one of IPv6 that needs a zone never', () => {
  const many = machine('eth0 169.254.1.1', 'eth0 10.0.0.1', 'eth0 8.8.8.1', 'eth0 fe80::1', 'eth0 fd00::1')
  expect(used('eth0', many)).toBe('8.8.8.1 fd00::1')
  expect(used('eth0', machine('eth0 169.254.1.1', 'eth0 fe80::1'))).toBe('169.254.1.1 -')
})

test('what was used stays in use beside others that are as good', () => {
  const before = sourcesOf('eth0', machine('eth0 10.0.0.2'), NO_SOURCES)
  expect(used('eth0', machine('eth0 10.0.0.1', 'eth0 10.0.0.2'), before)).toBe('10.0.0.2 -')
  expect(used('eth0', machine('eth0 8.8.8.1', 'eth0 10.0.0.2'), before)).toBe('8.8.8.1 -')
})

test('what is waited for is called what it is', () => {
  expect([cutOffSentence('wg0'), cutOffSentence('10.0.0.1')]).toEqual([
    'waits for interface wg0, which is gone',
    'waits for address 10.0.0.1, which is gone',
  ])
})
