import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import {
  parseBind,
  parseBinding,
  parseBytes,
  parseChecksum,
  parseCount,
  parseDecimal,
  parseLogLevel,
  parseMemory,
  parsePieceLength,
  parsePort,
  parsePositive,
  parseTrackerTier,
  parseWebSeed,
  parseWebServer,
  repeated,
} from './values.ts'

test.for([
  ['0', 0],
  ['500000', 500_000],
  ['512K', 524_288],
  ['512k', 524_288],
  ['1M', 1_048_576],
  ['1.5M', 1_572_864],
  ['0.1K', 102],
] as const)('%s is %d bytes', ([text, bytes]) => {
  expect(parseBytes(text)).toBe(bytes)
})

const nonsense: [name: string, parse: (text: string) => unknown, texts: readonly string[]][] = [
  ['bytes', parseBytes, ['', '-1', '1G', '1.5', '1e6', '0x10', 'K', '1KB', '1 K', '99999999999999999999', 'Infinity']],
  ['a piece length', parsePieceLength, ['1000', '8K', '48K', '512M', '0']],
  [
    'memory',
    parseMemory,
    ['', '15M', '15.9M', '0.01G', '-64M', '128', '128K', '128MB', '64 M', '1e3M', '99999999999G'],
  ],
  ['a port', parsePort, ['65536', '-1', '80a', '', '1.5']],
  ['a count', parseCount, ['-1', '1.5', '', 'many', '1e3']],
  ['a positive number', parsePositive, ['0', '-1', 'x']],
  ['a decimal', parseDecimal, ['-1', '1,5', '.5', '', 'NaN', '1e9', 'Infinity']],
  ['an address', parseBind, ['localhost', '1.2.3', '300.1.1.1', '::1%eth0', '']],
  ['an address or interface', parseBinding, ['1.2.3', '300.1.1.1', '::1%eth0', 'fe80::1::2', '/dev/eth0', '']],
  ['a log level', parseLogLevel, ['warning', 'WARN', '']],
  ['a checksum', parseChecksum, ['sha1:00', 'sha256:', `sha256:${'g'.repeat(64)}`, 'a'.repeat(64)]],
  ['a tracker', parseTrackerTier, ['', 'tracker.example', 'file:///etc/passwd', 'http://a/,http://']],
  ['a web seed', parseWebSeed, ['', 'udp://a:1', 'C:\\']],
  ['a web server', parseWebServer, ['', 'ftp://a', 'mirror.example']],
]
const cases = nonsense.flatMap(([name, parse, texts]) => texts.map((text) => ({ name, parse, text })))
test.for(cases)('"$text" is not $name', ({ parse, text }) => {
  expect(() => parse(text)).toThrow(InvalidArgumentError)
})

test('a piece length is a power of two', () => {
  expect(['16K', '1M', '256M', '32768'].map(parsePieceLength)).toEqual([16_384, 1_048_576, 268_435_456, 32_768])
})

test('memory is in MiB or GiB', () => {
  expect(['16M', '128m', '1.5G', '16.5M'].map(parseMemory)).toEqual([16 << 20, 128 << 20, 1536 << 20, 16.5 * 2 ** 20])
})

test('an interface may have any name that is no address', () => {
  expect(['eth0', 'wg-home', 'eth0.5', 'Wi-Fi 2', 'br0:1', 'localhost', '0:0::1'].map(parseBinding)).toEqual([
    'eth0',
    'wg-home',
    'eth0.5',
    'Wi-Fi 2',
    'br0:1',
    'localhost',
    '::1',
  ])
})

test('an address is brought into its one form', () => {
  expect(['127.0.0.1', '::1', '0:0::1', '::ffff:10.0.0.1'].map(parseBind)).toEqual([
    '127.0.0.1',
    '::1',
    '::1',
    '10.0.0.1',
  ])
})

test('a checksum is read in either case', () => {
  expect(parseChecksum(`SHA256:${'AB'.repeat(32)}`)).toBe('ab'.repeat(32))
})

test('a tier is one URL, or several between commas', () => {
  expect(parseTrackerTier('udp://a:1')).toEqual(['udp://a:1'])
  expect(parseTrackerTier('http://a/announce,udp://b:1')).toEqual(['http://a/announce', 'udp://b:1'])
  expect(parseTrackerTier('http://a/announce?x=1,2')).toEqual(['http://a/announce?x=1,2'])
})

test('values of a repeated option add up', () => {
  const parse = repeated(parseCount)
  expect(parse('2', parse('1'))).toEqual([1, 2])
})
