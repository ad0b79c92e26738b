import { describe, expect, test } from 'vitest'
import { NetworkError } from '../../base/errors.ts'
import type { Network, TcpListener } from '../../platform/platform.ts'
import { canReach, listenForPeers } from './listener.ts'

interface Machine {
  /** Addresses that somebody else listens on: `0.0.0.0:6881`. */
  readonly taken?: readonly string[]
  readonly hasIpv4?: boolean
  readonly hasIpv6?: boolean
  /** Ports that the system gives when any will do, in turn. */
  readonly anyPorts?: readonly number[]
}

/** A network on which nothing but listening works. */
function machine({ taken = [], hasIpv4 = true, hasIpv6 = true, anyPorts = [50_000, 50_001] }: Machine = {}) {
  const open = new Set<string>()
  const given = [...anyPorts]
  const listen: Network['listen'] = async ({ ip, port }): Promise<TcpListener> => {
    const bound = port === 0 ? given.shift()! : port
    const key = `${ip}:${bound}`
    if (ip.includes(':') ? !hasIpv6 : !hasIpv4) throw new NetworkError('eafnosupport', `Cannot listen on ${key}`)
    if (taken.includes(key)) throw new NetworkError('address_in_use', `Cannot listen on ${key}: address in use`)
    open.add(key)
    return {
      ip,
      port: bound,
      close: async () => {
        open.delete(key)
      },
    }
  }
  return {
    /** Where we listen in the end; or why not. */
    listen: async (port?: number, ip?: string): Promise<string[] | string> => {
      try {
        await listenForPeers({ listen } as Network, { port, ip }, () => null)
      } catch (error) {
        return [(error as NetworkError).code, ...open].join(' ')
      }
      return [...open]
    },
  }
}

describe('when nobody asked for a port', () => {
  test('it is 6881, on both families', async () => {
    expect(await machine().listen()).toEqual(['0.0.0.0:6881', ':::6881'])
  })

  test('or the next one that is free on both', async () => {
    const world = machine({ taken: ['0.0.0.0:6881', ':::6882', '0.0.0.0:6883'] })
    expect(await world.listen()).toEqual(['0.0.0.0:6884', ':::6884'])
  })

  test('it gives up after a hundred', async () => {
    const taken = Array.from({ length: 200 }, (_, i) => `0.0.0.0:${6881 + i}`)
    expect(await machine({ taken }).listen()).toBe('address_in_use')
  })
})

describe('a port that was asked for', () => {
  test('is that one', async () => {
    expect(await machine().listen(7000)).toEqual(['0.0.0.0:7000', ':::7000'])
  })

  test.each(['0.0.0.0:7000', ':::7000'])('is an error when %s is taken, and nothing stays open', async (key) => {
    expect(await machine({ taken: [key] }).listen(7000)).toBe('address_in_use')
  })

  test('of 0 is any one that is free on both families', async () => {
    const world = machine({ anyPorts: [50_000, 50_001], taken: [':::50000'] })
    expect(await world.listen(0)).toEqual(['0.0.0.0:50001', ':::50001'])
  })
})

test('a machine without IPv6 is served over IPv4', async () => {
  expect(await machine({ hasIpv6: false }).listen()).toEqual(['0.0.0.0:6881'])
})

test('one without IPv4 over IPv6, and one without either not at all', async () => {
  expect(await machine({ hasIpv4: false }).listen(0)).toEqual([':::50001'])
  expect(await machine({ hasIpv4: false, hasIpv6: false }).listen()).toBe('eafnosupport')
})

test('a session bound to an address listens there alone', async () => {
  expect(await machine().listen(undefined, '127.0.0.1')).toEqual(['127.0.0.1:6881'])
  expect(await machine({ taken: ['127.0.0.1:6881'] }).listen(undefined, '127.0.0.1')).toEqual(['127.0.0.1:6882'])
})

test('other errors are told at once', async () => {
  expect(await machine({ hasIpv6: false }).listen(undefined, '::1')).toBe('eafnosupport')
})

test('a bound session reaches its own family, an unbound one both', () => {
  expect([canReach('127.0.0.1', '1.2.3.4'), canReach('127.0.0.1', '::1'), canReach(undefined, '::1')]).toEqual([
    true,
    false,
    true,
  ])
})
