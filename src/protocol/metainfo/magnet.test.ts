import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { encodeMagnet, parseMagnet, type Magnet } from './magnet.ts'
import { describeMagnet } from './torrent-facts.ts'

interface ParseVector {
  readonly id: string
  readonly uri: string
  readonly valid: boolean
  readonly error?: string
  readonly [fact: string]: unknown
}

interface EncodeVector {
  readonly id: string
  readonly in: {
    readonly infohash_v1?: string
    readonly infohash_v2?: string
    readonly file_count?: number
    readonly select_only?: number[]
    readonly peers?: string[]
  }
  readonly out: string
}

const vectors = JSON.parse(readFileSync(new URL('../../../tests/fixtures/magnets.json', import.meta.url), 'utf8')) as {
  parse: ParseVector[]
  encode: EncodeVector[]
}

// Where the fixtures allow one of two errors.
const OUR_ERROR: Readonly<Record<string, string>> = { 'bad-escape': 'missing_hash', 'invalid-tr-escape': 'bad_hash' }
const HASH = 'xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd'

describe('of the links that clients test themselves with', () => {
  for (const vector of vectors.parse) {
    // Entries that are policy are answered as they stand: a bare infohash and a URN in capitals are taken, BEP 46 is not.
    if (vector.valid) {
      test(`${vector.id} is read`, () => {
        const facts = Object.entries(factsOf(parseMagnet(vector.uri))).filter(([key]) => key in vector)
        expect(facts).toEqual(facts.map(([key]) => [key, vector[key]]))
      })
    } else {
      test(`${vector.id} is refused`, () => expect(codeOf(vector.uri)).toBe(OUR_ERROR[vector.id] ?? vector.error))
    }
  }

  for (const { id, in: facts, out } of vectors.encode) {
    test(`${id} is written`, () => {
      const magnet = {
        infohashV1: facts.infohash_v1 ? fromHex(facts.infohash_v1) : null,
        infohashV2: facts.infohash_v2 ? fromHex(facts.infohash_v2) : null,
        peers: facts.peers ?? [],
        selectOnly: facts.select_only ?? null,
      }
      expect(encodeMagnet(facts.file_count === undefined ? magnet : { ...magnet, fileCount: facts.file_count })).toBe(
        out,
      )
    })
  }

  test('a link in the usual order is written as it was', () => {
    const { uri } = vectors.parse.find(({ id }) => id === 'ubuntu')!
    expect(encodeMagnet(parseMagnet(uri))).toBe(uri)
  })
})

test('names keep what is not an escape, addresses with a broken one are left out', () => {
  const magnet = parseMagnet(`magnet:?${HASH}&dn=100%+sure&tr=http://a/%zz&tr=http://b/%41`)
  expect(magnet.name).toBe('100% sure')
  expect(magnet.trackers).toEqual(['http://b/A'])
})

test('a peer may be an IP or a host name, with a port', () => {
  const peers = [
    '1.2.3.4:80',
    '[::FFFF:1.2.3.4]:81',
    'Host.example:1',
    '1.2.3:80',
    '999.1.1.1:80',
    'host:0',
    'host',
    ':5',
    'a b:5',
  ]
  expect(parseMagnet(`magnet:?${HASH}&${peers.map((peer) => `x.pe=${peer}`).join('&')}`).peers).toEqual([
    '1.2.3.4:80',
    '1.2.3.4:81',
    'host.example:1',
  ])
})

test('a huge selection costs nothing', () => {
  expect(parseMagnet(`magnet:?${HASH}&so=0-999999999,5`).selectOnly).toEqual([5])
  expect(parseMagnet(`magnet:?${HASH}&so=${'0-199999,'.repeat(100_000)}1`).selectOnly).toHaveLength(200_000)
})

test('of several infohashes of one kind the first counts, and a broken one spoils the link', () => {
  expect(toHex(parseMagnet(`magnet:?${HASH}&xt=urn:btih:${'ab'.repeat(20)}`).infohashV1!)).toBe('cd'.repeat(20))
  expect(codeOf(`magnet:?${HASH}&xt=urn:btih:abc`)).toBe('bad_hash')
})

test('a link of more than a million characters is refused', () => {
  expect(codeOf(`magnet:?${HASH}&dn=${'a'.repeat(1024 * 1024)}`)).toBe('too_large')
})

test('without an infohash there is no link', () => {
  expect(() => encodeMagnet({ name: 'a' })).toThrow(TypeError)
})

test('facts of a magnet link have all keys, null where nothing is known', () => {
  const facts = describeMagnet(parseMagnet(`magnet:?${HASH}&tr=http://a&dht=[::1]:5&xl=7`))
  expect(facts).toMatchObject({ infohash_v1: 'cd'.repeat(20), infohash_v2: null, files: null, total_size: 7 })
  expect(facts).toMatchObject({ trackers: [['http://a']], nodes: [['::1', 5]] })
})

test('whatever is written is read back', () => {
  const text = fc.string({ unit: 'binary', minLength: 1 })
  const port = fc.integer({ min: 1, max: 65_535 })
  const magnets = fc.record({
    infohashV1: fc.uint8Array({ minLength: 20, maxLength: 20 }),
    infohashV2: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 })),
    name: fc.option(text),
    length: fc.option(fc.maxSafeInteger().map(Math.abs)),
    trackers: fc.uniqueArray(text.map((path) => `udp://tracker/${path}`)),
    webSeeds: fc.uniqueArray(text.map((path) => `https://seed/${path}`)),
    peers: fc.uniqueArray(port.map((port) => `[2001:db8::1]:${port}`)),
    selectOnly: fc.option(fc.uniqueArray(fc.nat(1000), { minLength: 1 }).map((files) => files.sort((a, b) => a - b))),
    exactSources: fc.uniqueArray(text.map((path) => `x:${path}`)),
    acceptableSources: fc.uniqueArray(text.map((path) => `x:${path}`)),
    nodes: fc.uniqueArray(port.map((port) => `host.example:${port}`)),
    keywords: fc.array(fc.stringMatching(/^[^ ]+$/u)),
  })
  fc.assert(
    fc.property(magnets, (magnet) => {
      expect(parseMagnet(encodeMagnet(magnet))).toEqual(magnet)
    }),
  )
})

test('whatever the text is, reading it ends with a link or a FormatError', () => {
  const near = fc.tuple(fc.constantFrom(...vectors.parse.map(({ uri }) => uri)), fc.nat(200), fc.nat(5), fc.string())
  const edited = near.map(([uri, at, drop, insert]) => uri.slice(0, at) + insert + uri.slice(at + drop))
  fc.assert(
    fc.property(fc.oneof(fc.string(), edited), (text) => {
      expect(['not_a_magnet', 'missing_hash', 'bad_hash', null]).toContain(codeOf(text))
    }),
    { numRuns: 2000 },
  )
})

function codeOf(text: string): string | null {
  try {
    parseMagnet(text)
    return null
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
}

function factsOf(magnet: Magnet): Record<string, unknown> {
  return {
    infohash_v1: magnet.infohashV1 && toHex(magnet.infohashV1),
    infohash_v2: magnet.infohashV2 && toHex(magnet.infohashV2),
    name: magnet.name,
    length: magnet.length,
    trackers: magnet.trackers,
    webseeds: magnet.webSeeds,
    peers: magnet.peers,
    select_only: magnet.selectOnly,
    exact_sources: magnet.exactSources,
    acceptable_sources: magnet.acceptableSources,
    dht_nodes: magnet.nodes,
    keywords: magnet.keywords,
  }
}
