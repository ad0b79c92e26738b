// A text as a QR code for the terminal, two modules in each character.
import { encode, renderUnicodeCompact } from 'uqr'
import type { Style } from './style.ts'

/** What scanners want around the code, in modules; two do, and four lines are spared. */
const BORDER = 2
/** Bytes of the largest code that there is, with the least correction. */
const MAX_BYTES = 2953

/** Lines of the code; none where it does not fit, or cannot be drawn. */
export function renderQrCode(text: string, columns: number, { unicode }: Style): string[] {
  if (!unicode || Buffer.byteLength(text) > MAX_BYTES) return []
  const options = { border: BORDER, ecc: 'L' } as const
  return encode(text, options).size > columns ? [] : renderUnicodeCompact(text, options).split('\n')
}
