// Colours and characters, by what the terminal can show. Views receive a `Style` and never ask the environment.
import { styleText } from 'node:util'

type Paint = (text: string) => string

export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly good: Paint
  readonly busy: Paint
  readonly bad: Paint
  /** False where only ASCII is safe. */
  readonly unicode: boolean
}

/** No colours. */
export function plainStyle(unicode = true): Style {
  const same: Paint = (text) => text
  return { bold: same, dim: same, good: same, busy: same, bad: same, unicode }
}

/** What this stream's terminal can show: colours unless NO_COLOR is set or it has none, block characters unless the locale forbids. */
export function styleFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Style {
  const unicode = hasUnicode(env)
  if (stream.isTTY !== true || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb') return plainStyle(unicode)
  const paint =
    (format: Parameters<typeof styleText>[0]): Paint =>
    (text) =>
      styleText(format, text, { validateStream: false })
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    busy: paint('yellow'),
    bad: paint('red'),
    unicode,
  }
}

/** A locale that names another encoding forbids; without any locale the terminal is taken for a present-day one. */
function hasUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== '')
  return locale === undefined || /utf-?8/i.test(locale)
}
