// Asks a program for its version.
import { spawnSync } from 'node:child_process'

/** The first match of `pattern` in what the program prints, or null when it cannot be run. */
export function versionOf(argv: readonly string[], pattern: RegExp): string | null {
  const { stdout, stderr, error, status } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
  if (error) return null
  return pattern.exec(stdout + stderr)?.[0] ?? (status === 0 ? 'unknown version' : null)
}
