import fs from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StorageError } from '../../base/errors.ts'
import { DeviceGuard } from './device-guard.ts'

let folder: string
beforeEach(() => (folder = fs.mkdtempSync(join(tmpdir(), 'shoal-guard-'))))
afterEach(() => fs.rmSync(folder, { recursive: true }))

const codeOf = (work: () => void): string => {
  try {
    work()
  } catch (error) {
    return (error as StorageError).code
  }
  return ''
}

test('a file may be made where its root is on the device that it was on', () => {
  const guard = new DeviceGuard()
  guard.expect(join(folder, 'content'), fs.statSync(folder).dev)
  expect(codeOf(() => guard.check(join(folder, 'content', 'sub', 'file')))).toBe('')
})

test('no file is made where the root has come to lie on another device', () => {
  const guard = new DeviceGuard()
  guard.expect(join(folder, 'content'), fs.statSync(folder).dev + 1)
  expect(codeOf(() => guard.check(join(folder, 'content', 'file')))).toBe('drive_gone')
  expect(codeOf(() => guard.check(join(folder, 'content')))).toBe('drive_gone')
  guard.forget(join(folder, 'content'))
  expect(codeOf(() => guard.check(join(folder, 'content', 'file')))).toBe('')
})

test("what lies elsewhere is nobody's concern", () => {
  const guard = new DeviceGuard()
  guard.expect(join(folder, 'content'), -1)
  expect(codeOf(() => guard.check(join(folder, 'contents', 'file')))).toBe('')
})
