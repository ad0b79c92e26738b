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
  if (!hasWebSeedFileUrl(webSeed, metainfo, file)) return null
  const base = withoutFragment(webSeed)
  if (isFileItself(base, metainfo)) return base
  const elements = [metainfo.name, ...metainfo.files[file].path]
  return `${base}${base.endsWith('/') ? '' : '/'}${elements.map(encodeElement).join('/')}`
}

/** Whether there is such a URL. */
export function hasWebSeedFileUrl(webSeed: string, metainfo: Metainfo, file: number): boolean {
  const { path, isPad } = metainfo.files[file]
  if (isPad) return false
  return isFileItself(withoutFragment(webSeed), metainfo) || (isOneStep(metainfo.name) && path.every(isOneStep))
}

function withoutFragment(webSeed: string): string {
  return webSeed.replace(/#.*$/s, '')
}

function isFileItself(base: string, metainfo: Metainfo): boolean {
  return metainfo.isSingleFile && !base.endsWith('/')
}

function isOneStep(element: string): boolean {
  return element !== '' && element !== '.' && element !== '..' && !element.includes('/')
}

function encodeElement(element: string): string {
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
