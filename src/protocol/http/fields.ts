// What some header fields of HTTP say (RFC 9110).

/** What part of a file an answer brings. */
export interface ContentRange {
  /** First and last byte. */
  readonly first: number
  readonly last: number
  /** Bytes of the whole file; null: it does not say. */
  readonly total: number | null
}

/** Null for what is no range of bytes. */
export function parseContentRange(text: string): ContentRange | null {
  const match = /^bytes\s+(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text.trim())
  if (!match) return null
  const [first, last] = [Number(match[1]), Number(match[2])]
  const total = match[3] === '*' ? null : Number(match[3])
  return first <= last && (total === null || last < total) ? { first, last, total } : null
}

/** Bytes of the whole file, of an answer that could not bring the range (`bytes *\/1234`); null: it does not say. */
export function parseUnsatisfiedRange(text: string): number | null {
  const total = /^bytes\s+\*\/(\d{1,15})$/i.exec(text.trim())?.[1]
  return total === undefined ? null : Number(total)
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DATE = /^[a-z]{3}, (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/i
const DAY_MS = 86_400_000

/**
 * Milliseconds that `Retry-After` asks to wait: a number of seconds, or a date; null for neither.
 * @param wall Unix milliseconds
 */
export function parseRetryAfter(text: string, wall: number): number | null {
  if (/^\d{1,10}$/.test(text.trim())) return Number(text) * 1000
  const date = parseDate(text.trim())
  return date === null ? null : Math.max(0, date - wall)
}

/** Unix milliseconds of a date as servers write it: `Sun, 06 Nov 1994 08:49:37 GMT`. */
function parseDate(text: string): number | null {
  const match = DATE.exec(text)
  const month = match ? MONTHS.indexOf(match[2].toLowerCase()) : -1
  if (!match || month < 0) return null
  const [day, year, hour, minute, second] = [match[1], match[3], match[4], match[5], match[6]].map(Number)
  return daysBefore(year, month, day) * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000
}

/** Days from 1970-01-01 to a date; months count from 0. Years begin with March, so that the odd day is their last. */
function daysBefore(year: number, month: number, day: number): number {
  const y = month < 2 ? year - 1 : year
  const dayOfYear = Math.floor((153 * ((month + 10) % 12) + 2) / 5) + day - 1
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468
}
