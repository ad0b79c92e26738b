import { expect, test } from 'vitest'
import { defaultStateFolder } from './default-state-folder.ts'

test.each([
  ['linux', {}, '/home/a/.local/state/shoal'],
  ['linux', { XDG_STATE_HOME: '/var/a' }, '/var/a/shoal'],
  ['linux', { XDG_STATE_HOME: 'not/absolute' }, '/home/a/.local/state/shoal'],
  ['linux', { XDG_STATE_HOME: '' }, '/home/a/.local/state/shoal'],
  ['freebsd', {}, '/home/a/.local/state/shoal'],
  ['darwin', {}, '/home/a/Library/Application Support/shoal'],
  ['win32', { LOCALAPPDATA: '/local' }, '/local/shoal'],
  ['win32', {}, '/home/a/AppData/Local/shoal'],
] as const)('on %s with %o it is %s', (platform, env, folder) => {
  expect(defaultStateFolder(platform, env, '/home/a')).toBe(folder)
})
