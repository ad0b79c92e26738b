// Local service discovery (BEP 14): a datagram to everybody on the local network, in the manner of an HTTP request, saying
// which torrents somebody takes part in and on which port. Pure; when it is sent, and who listens, is not decided here.
import { decodeUtf8, encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'

export interface LsdMessage {
  /** The TCP port on which the sender takes peers; its IP is that of the datagram. */
  readonly port: number
  /** Of v1, 20 bytes each; at least one. */
  readonly infohashes: readonly Uint8Array[]
  /** By which a sender knows its own messages again; null when it does not say. */
  readonly cookie: string | null
}

/** Where messages go, and where one listens: for IPv4, and for IPv6 (site-local). */
export const LSD_GROUP_V4 = '239.192.152.143'
export const LSD_GROUP_V6 = 'ff15::efc0:988f'
export const LSD_PORT = 6771
/** Infohashes in one message: it must not be cut into pieces on its way. */
export const MAX_LSD_INFOHASHES = 20

/** Bytes of a message: longer ones are refused. */
const MAX_MESSAGE_BYTES = 1400
const MAX_COOKIE_CHARACTERS = 64
const FIRST_LINE = /^BT-SEARCH \* HTTP\/1\.\d$/

/** @param group to which it goes. Throws RangeError for no infohash, or more than fit. */
export function encodeLsd({ port, infohashes, cookie }: LsdMessage, group: string): Uint8Array {
  const { length } = infohashes
  if (length < 1 || length > MAX_LSD_INFOHASHES)
    throw new RangeError(`Cannot announce ${length} torrents in one message`)
  const host = group.includes(':') ? `[${group}]` : group
  const lines = [
    'BT-SEARCH * HTTP/1.1',
    `Host: ${host}:${LSD_PORT}`,
    `Port: ${port}`,
    ...infohashes.map((infohash) => `Infohash: ${toHex(infohash)}`),
    ...(cookie === null ? [] : [`cookie: ${cookie}`]),
  ]
  return encodeUtf8(`${lines.join('\r\n')}\r\n\r\n\r\n`)
}

/**
 * Throws FormatError: `not_lsd`, `too_large`, `bad_port`, `bad_hash`, `missing_hash`. Headers that are not known are passed over,
 * and so are infohashes beyond the first 20.
 */
export function decodeLsd(datagram: Uint8Array): LsdMessage {
  if (datagram.length > MAX_MESSAGE_BYTES) throw refused('too_large', `${datagram.length} bytes are too many`)
  const [first, ...lines] = decodeUtf8(datagram).split(/\r?\n/)
  if (!FIRST_LINE.test(first)) throw refused('not_lsd', 'it does not begin with BT-SEARCH')
  const headers = readHeaders(lines)
  const all = (name: string): string[] => headers.filter((header) => header.name === name).map(({ value }) => value)
  const infohashes = all('infohash').slice(0, MAX_LSD_INFOHASHES).map(readInfohash)
  if (infohashes.length === 0) throw refused('missing_hash', 'it names no torrent')
  return {
    port: readPort(all('port')[0]),
    infohashes,
    cookie: all('cookie')[0]?.slice(0, MAX_COOKIE_CHARACTERS) ?? null,
  }
}

function readHeaders(lines: readonly string[]): { name: string; value: string }[] {
  const end = lines.indexOf('')
  return lines.slice(0, end < 0 ? lines.length : end).flatMap((line) => {
    const colon = line.indexOf(':')
    return colon < 0 ? [] : [{ name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() }]
  })
}

function readPort(text: string | undefined): number {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0
  if (port < 1 || port > 65_535) throw refused('bad_port', `${JSON.stringify(text ?? null)} is no port`)
  return port
}

function readInfohash(text: string): Uint8Array {
  const infohash = text.length === 40 ? fromHex(text) : null
  if (infohash === null) throw refused('bad_hash', `${JSON.stringify(text.slice(0, 80))} is no infohash`)
  return infohash
}

function refused(code: string, why: string): FormatError {
  return new FormatError(code, `Cannot read local discovery message: ${why}`)
}
