import type { Context } from '../context.ts'
import { styleFor } from '../view/style.ts'
import { JsonReporter } from './json-reporter.ts'
import { PlainReporter } from './plain-reporter.ts'
import type { Reporter } from './reporter.ts'
import { TerminalReporter } from './terminal-reporter.ts'

/** The reporter that fits the options and what stderr is. */
export function createReporter(
  options: { readonly json?: boolean; readonly quiet?: boolean },
  context: Context,
): Reporter {
  const { stdout, stderr, clock, env } = context
  const writeErr = (text: string): void => void stderr.write(text)
  if (options.json === true) {
    const writeOut = (text: string): void => void stdout.write(text)
    return new JsonReporter({ writeOut, writeErr, wall: () => clock.wall(), now: () => clock.now() })
  }
  const style = styleFor(stderr, env)
  const isLive = stderr.isTTY === true && env.TERM !== 'dumb' && options.quiet !== true
  if (isLive) return new TerminalReporter(stderr, style)
  return new PlainReporter({ writeErr, style, isQuiet: options.quiet === true })
}
