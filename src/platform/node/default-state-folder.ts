// Where programs of this platform keep what they remember, when nobody says otherwise.
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Absolute. */
export function defaultStateFolder(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home = homedir(),
): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'shoal')
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'shoal')
  // The convention says that a path that is not absolute is to be ignored.
  const { XDG_STATE_HOME: chosen } = env
  return chosen && isAbsolute(chosen) ? join(chosen, 'shoal') : join(home, '.local', 'state', 'shoal')
}
