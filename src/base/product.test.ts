import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CLIENT_NAME, PEER_ID_PREFIX } from './product.ts'

test('we tell others the version that the package has', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(CLIENT_NAME).toBe(`Shoal ${manifest.version}`)
  const [major, minor, patch] = manifest.version.split('.')
  expect(PEER_ID_PREFIX).toBe(`-SH${major.padStart(2, '0')}${minor}${patch}-`)
})
