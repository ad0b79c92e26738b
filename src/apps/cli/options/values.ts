// Reads the values of options. Each function returns the value or throws InvalidArgumentError, which ends in exit code 2.
import { InvalidArgumentError } from 'commander'
import { parseIp } from '../../../base/address.ts'
import type { LogLevel } from '../../../index.ts'

const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }
const MIN_MEMORY = 16 * 1024 ** 2
const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']
const MIN_PIECE_LENGTH = 16 * 1024
const MAX_PIECE_LENGTH = 256 * 1024 ** 2

/** Bytes: `512`, `512K`, `1.5M`; K is 1024, M is 1024 x 1024. */
export function parseBytes(text: string): number {
  const match = /^(\d+|\d+\.\d+(?=[KM]))([KM]?)$/i.exec(text)
  const bytes = match ? Math.floor(Number(match[1]) * UNIT_BYTES[match[2].toUpperCase()]) : Number.NaN
  if (!Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('Give a number of bytes, such as 500000, 512K or 1.5M.')
  return bytes
}

/** Bytes of memory: `128M`, `1.5G`; M is MiB, G is GiB. */
export function parseMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([MG])$/i.exec(text)
  const bytes = match ? Math.floor(Number(match[1]) * UNIT_BYTES[match[2].toUpperCase()]) : Number.NaN
  if (!Number.isSafeInteger(bytes)) throw new InvalidArgumentError('Give a size, such as 128M or 1.5G.')
  if (bytes < MIN_MEMORY) throw new InvalidArgumentError('Give 16M or more.')
  return bytes
}

/** Bytes of a piece: a power of two. */
export function parsePieceLength(text: string): number {
  const bytes = parseBytes(text)
  const isPowerOfTwo = Number.isInteger(Math.log2(bytes))
  if (!isPowerOfTwo || bytes < MIN_PIECE_LENGTH || bytes > MAX_PIECE_LENGTH) {
    throw new InvalidArgumentError('Give a power of two from 16K to 256M, such as 256K or 1M.')
  }
  return bytes
}

/** 0 to 65535. */
export function parsePort(text: string): number {
  const port = parseCount(text)
  if (port > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535.')
  return port
}

/** A whole number from 0. */
export function parseCount(text: string): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(count)) throw new InvalidArgumentError('Give a whole number.')
  return count
}

/** A whole number from 1. */
export function parsePositive(text: string): number {
  const count = parseCount(text)
  if (count === 0) throw new InvalidArgumentError('Give a whole number above 0.')
  return count
}

/** A number from 0, with or without a fraction. */
export function parseDecimal(text: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError('Give a number, such as 1 or 0.5.')
  return Number(text)
}

/** An IP address in its canonical form. */
export function parseBind(text: string): string {
  const ip = parseIp(text)
  if (ip === null) throw new InvalidArgumentError('Give an IP address of this machine, such as 192.168.1.2 or ::1.')
  return ip
}

/** An IP address in its canonical form, or what may be the name of an interface. */
export function parseBinding(text: string): string {
  const ip = parseIp(text)
  // Digits and dots, or hex and colons, are an IP with a mistake in it.
  const isMistaken = /^[\d.]*$|^[\da-f.]*:[\da-f:.]*(%.*)?$/i.test(text)
  if (ip === null && (isMistaken || text.length > 255 || text.includes('/'))) {
    throw new InvalidArgumentError(
      'Give an IP address of this machine, such as 192.168.1.2, or the name of an interface, such as eth0.',
    )
  }
  return ip ?? text
}

export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text)
  if (level === undefined) throw new InvalidArgumentError(`Give one of ${LOG_LEVELS.join(', ')}.`)
  return level
}

const SUPER_SEED_MODES = ['auto', 'on', 'off'] as const
export type SuperSeedMode = (typeof SUPER_SEED_MODES)[number]

export function parseSuperSeed(text: string): SuperSeedMode {
  const mode = SUPER_SEED_MODES.find((known) => known === text)
  if (mode === undefined) throw new InvalidArgumentError(`Give one of ${SUPER_SEED_MODES.join(', ')}.`)
  return mode
}

/** `sha256:HEX` -> the digest in lower-case hexadecimal. */
export function parseChecksum(text: string): string {
  const match = /^sha256:([0-9a-f]{64})$/i.exec(text)
  if (!match) throw new InvalidArgumentError('Give sha256: and 64 hexadecimal digits.')
  return match[1].toLowerCase()
}

/** URLs of one tier: `URL` or `URL,URL`. */
export function parseTrackerTier(text: string): readonly string[] {
  // A comma may be part of a URL; one that separates stands before a scheme.
  return text
    .split(/,(?=[a-z][a-z0-9+.-]*:\/\/)/i)
    .map((url) => parseUrl(url, ['http:', 'https:', 'udp:', 'ws:', 'wss:'], 'http://tracker.example/announce'))
}

/** A web seed that can be fetched from: a torrent may name others. */
export function parseWebServer(text: string): string {
  return parseUrl(text, ['http:', 'https:'], 'https://mirror.example/files/')
}

export function parseWebSeed(text: string): string {
  return parseUrl(text, ['http:', 'https:', 'ftp:'], 'https://mirror.example/files/')
}

function parseUrl(text: string, protocols: readonly string[], example: string): string {
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
    throw new InvalidArgumentError(`Give a URL, such as ${example}.`)
  }
  return text
}

/** For options that may be given several times: each value is read by `parse` and added to those before. */
export function repeated<Value>(parse: (text: string) => Value): (text: string, before?: Value[]) => Value[] {
  return (text, before = []) => [...before, parse(text)]
}
