// The head of an HTTP/1.1 answer (RFC 9112): status and fields, as far as a client that fetches bytes needs them.
import { NetworkError } from '../../base/errors.ts'

export interface HttpHead {
  readonly status: number
  /** Names in lower case; repeated fields joined by ', '. */
  readonly fields: ReadonlyMap<string, string>
  /** The connection may be used for another request after this answer. */
  readonly keepsAlive: boolean
}

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: |$)/
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * Reads the lines of a head, without the empty one that ends it.
 * Throws NetworkError `bad_response` for what is not HTTP/1.0 or 1.1.
 */
export function parseHead(text: string): HttpHead {
  const [first, ...lines] = text.split(/\r?\n/)
  const match = STATUS_LINE.exec(first)
  if (!match) throw new NetworkError('bad_response', 'The answer is not HTTP/1.1')
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).toLowerCase()
    if (!FIELD_NAME.test(name)) throw new NetworkError('bad_response', 'The answer has a header field without a name')
    const value = line.slice(colon + 1).trim()
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { status: Number(match[2]), fields, keepsAlive: keepsAlive(match[1] === '1', fields.get('connection')) }
}

/** HTTP/1.1 keeps connections unless it says otherwise, HTTP/1.0 the other way round. */
function keepsAlive(isHttp11: boolean, connection = ''): boolean {
  const options = connection.toLowerCase().split(/\s*,\s*/)
  return isHttp11 ? !options.includes('close') : options.includes('keep-alive')
}

/** Where a body ends: after so many bytes, with its last chunk, or with the connection. */
export type BodyEnd = number | 'chunks' | 'close'

/** Throws NetworkError `bad_response` where that cannot be told. */
export function bodyEnd({ status, fields }: HttpHead): BodyEnd {
  if (status === 204 || status === 304) return 0
  const encoding = fields.get('transfer-encoding')
  if (encoding !== undefined) {
    if (encoding.toLowerCase() === 'chunked') return 'chunks'
    throw new NetworkError('bad_response', 'The answer has an unknown transfer encoding')
  }
  const length = fields.get('content-length')
  if (length === undefined) return 'close'
  // Some say it twice, which is well as long as they say the same.
  const [bytes, ...repeated] = length.split(/\s*,\s*/)
  if (!/^\d{1,15}$/.test(bytes) || repeated.some((other) => other !== bytes))
    throw new NetworkError('bad_response', 'The answer does not say how long it is')
  return Number(bytes)
}
