// The query of a tracker's URL. Its values are bytes (an infohash is no text), so each byte is encoded by itself;
// the platform's own URLSearchParams would read them as UTF-8. A "+" is a plus: no client sends spaces.

const UNRESERVED = /[A-Za-z0-9\-._~]/
const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

/** More parameters than any client sends. */
const MAX_PARAMETERS = 100

/** Percent-encodes each byte outside A-Z a-z 0-9 - . _ ~ */
export function percentEncode(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += ENCODED[byte]
  return text
}

/** The bytes of a percent-encoded text (either case of digits; any character may stand for itself), or null when it is damaged. */
export function percentDecode(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0xff) return null
    if (code !== 0x25) bytes[length++] = code
    else {
      const [high, low] = [digitOf(text.charCodeAt(at + 1)), digitOf(text.charCodeAt(at + 2))]
      if (high < 0 || low < 0) return null
      bytes[length++] = (high << 4) | low
      at += 2
    }
  }
  return bytes.slice(0, length)
}

/** The value of a hexadecimal digit, or -1. A tracker reads some hundred thousand of them a second. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1
}

/** The parameters of a request target (`/announce?a=b`), in order, undecoded; null when there are too many. */
export function queryParameters(target: string): readonly (readonly [name: string, value: string])[] | null {
  const start = target.indexOf('?')
  if (start < 0) return []
  const parts = target.slice(start + 1).split('&', MAX_PARAMETERS + 1)
  if (parts.length > MAX_PARAMETERS) return null
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)]
    })
}

/** `url` with these parameters behind those it has. What the tracker's owner wrote there (a passkey) stays as it is. */
export function addParameters(url: string, parameters: readonly string[]): string {
  const base = url.replace(/#.*$/s, '')
  const joint = base.includes('?') ? (/[?&]$/.test(base) ? '' : '&') : '?'
  return base + joint + parameters.join('&')
}
