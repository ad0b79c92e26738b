// Where a part of a file is asked for, and how: a URL of http or https, as a server to dial and a request to send. Pure.
import { encodeUtf8 } from '../../base/bytes.ts'
import { encodeGet } from '../../protocol/http/index.ts'

export interface WebTarget {
  readonly url: URL
  /** It must be in the internet: a server that is there has sent us, or a stranger's URL has a query. */
  readonly mustBeGlobal: boolean
}

/** Whom to dial, when its IP is known. */
export interface WebServer {
  /** A name or an IP, without brackets. */
  readonly host: string
  readonly port: number
  readonly isTls: boolean
}

/** Null for anything but http and https. */
export function parseHttpUrl(text: string, base?: URL): URL | null {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : null
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : null
}

/** What two targets have in common that can be asked over one connection. */
export function serverKey({ url, mustBeGlobal }: WebTarget): string {
  return `${url.origin} ${mustBeGlobal ? 'global' : 'any'}`
}

export function serverOf({ url }: WebTarget): WebServer {
  const isTls = url.protocol === 'https:'
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port)
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, isTls }
}

/** @param last the last byte that is wanted */
export function encodeRangeRequest({ url }: WebTarget, first: number, last: number, userAgent: string): Uint8Array {
  const credentials = credentialsOf(url)
  return encodeGet(url.pathname + url.search, {
    Host: url.host,
    'User-Agent': userAgent,
    'Accept-Encoding': 'identity',
    Range: `bytes=${first}-${last}`,
    ...(credentials === '' ? {} : { Authorization: `Basic ${credentials}` }),
  })
}

/** What goes before the @ of a URL, as `Authorization` wants it; empty where there is nothing, or nothing that makes sense. */
function credentialsOf({ username, password }: URL): string {
  if (username === '' && password === '') return ''
  try {
    return btoa(String.fromCharCode(...encodeUtf8(decodeURIComponent(`${username}:${password}`))))
  } catch {
    return ''
  }
}
