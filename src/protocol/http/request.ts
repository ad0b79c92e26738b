// A GET request as bytes (RFC 9112).
import { encodeUtf8 } from '../../base/bytes.ts'

const NOT_ALLOWED = /[^\x21-\xff]|\x7f/
const NOT_ALLOWED_IN_VALUE = /[^\x20-\xff\t]|\x7f/

/**
 * Throws TypeError for a target or a field that would break out of its line.
 * @param target path and query, percent-encoded
 * @param fields by name; `Host` among them
 */
export function encodeGet(target: string, fields: Readonly<Record<string, string>>): Uint8Array {
  const lines = [`GET ${target} HTTP/1.1`]
  if (NOT_ALLOWED.test(target)) throw new TypeError(`Cannot ask for ${JSON.stringify(target)}: it is not encoded`)
  for (const [name, value] of Object.entries(fields)) {
    if (NOT_ALLOWED_IN_VALUE.test(value))
      throw new TypeError(`Cannot send the header field ${name}: control characters`)
    lines.push(`${name}: ${value}`)
  }
  return encodeUtf8(`${lines.join('\r\n')}\r\n\r\n`)
}
