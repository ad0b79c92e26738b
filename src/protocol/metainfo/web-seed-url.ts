// Where a web seed has a file of a torrent (BEP 19): the file itself for a torrent of one file, unless the URL names a folder;
// else name and path below the URL. Names are percent-encoded byte by byte, as they stand in the torrent: what this program
// calls a file on disk is of no concern to a server.
import { decodeUtf8Strict, encodeUtf8, fromHex } from '../../base/bytes.ts'
import type { Metainfo } from './metainfo.ts'

/** Of RFC 3986: they stand for themselves everywhere. */
const UNRESERVED = /^[A-Za-z0-9\-._~]$/

/**
 * Null where there can be no such URL: padding, and paths with an element that servers take for a step (`.`, `..`) or for several
 * (a slash within).
 * @param webSeed as the torrent, a magnet link or a person gives it
 * @param file index into `files`
 */
export function webSeedFileUrl(webSeed: string, metainfo: Metainfo, file: number): string | null {
  const { path, isPad } = metainfo.files[file]
  if (isPad) return null
  const base = webSeed.replace(/#.*$/s, '')
  if (metainfo.isSingleFile && !base.endsWith('/')) return base
  const encoded: string[] = []
  for (const element of [metainfo.name, ...path]) {
    const text = encodeElement(element)
    if (text === null) return null
    encoded.push(text)
  }
  return `${base}${base.endsWith('/') ? '' : '/'}${encoded.join('/')}`
}

function encodeElement(element: string): string | null {
  if (element === '' || element === '.' || element === '..' || element.includes('/')) return null
  let text = ''
  for (const byte of bytesOf(element)) {
    const character = String.fromCharCode(byte)
    text += UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

/** What is not UTF-8 is kept as hexadecimal digits. */
function bytesOf(element: string): Uint8Array {
  const bytes = element.startsWith('hex:') ? fromHex(element.slice('hex:'.length)) : null
  return bytes !== null && decodeUtf8Strict(bytes) === null ? bytes : encodeUtf8(element)
}
