import type { Context } from '../context.ts'
import type { Reporter } from './reporter.ts'

export interface ReporterFlags {
  readonly json?: boolean
  readonly quiet?: boolean
}

/** The reporter that fits the options and what stderr is; only this one is loaded. */
export async function createReporter(flags: ReporterFlags, context: Context): Promise<Reporter> {
  const { stdout, stderr, clock, env } = context
  const writeErr = (text: string): void => void stderr.write(text)
  if (flags.json === true) {
    const { JsonReporter } = await import('./json-reporter.ts')
    const writeOut = (text: string): void => void stdout.write(text)
    return new JsonReporter({ writeOut, writeErr, wall: () => clock.wall(), now: () => clock.now() })
  }
  const { styleFor } = await import('../view/style.ts')
  const style = styleFor(stderr, env)
  if (stderr.isTTY === true && env.TERM !== 'dumb' && flags.quiet !== true) {
    const { TerminalReporter } = await import('./terminal-reporter.ts')
    return new TerminalReporter(stderr, style)
  }
  const { PlainReporter } = await import('./plain-reporter.ts')
  return new PlainReporter({ writeErr, style, isQuiet: flags.quiet === true })
}
