import { expect, test } from 'vitest'
import { StorageError } from '../../base/errors.ts'
import { toStorageError } from './storage-error.ts'

const systemError = (code: string): Error => Object.assign(new Error(`${code}: what the system says`), { code })

test.each([
  ['ENOSPC', 'disk_full'],
  ['EDQUOT', 'disk_full'],
  ['EACCES', 'permission_denied'],
  ['EPERM', 'permission_denied'],
  ['EROFS', 'read_only'],
  ['ENOENT', 'not_found'],
  ['EISDIR', 'not_a_file'],
  ['ENOTDIR', 'not_a_file'],
  ['EMFILE', 'too_many_open_files'],
  ['ENFILE', 'too_many_open_files'],
  ['ENAMETOOLONG', 'name_too_long'],
  ['EFBIG', 'io_error'],
  ['EIO', 'io_error'],
  ['ESTRANGE', 'io_error'],
])('%s becomes %s, with one line that names the path', (system, code) => {
  const error = toStorageError(systemError(system), 'write', '/data/file')
  expect(error).toBeInstanceOf(StorageError)
  expect(error).toMatchObject({ code, path: '/data/file' })
  expect(error.message).toMatch(/^Cannot write \/data\/file: [^\n]+$/)
})

test('a StorageError stays what it is', () => {
  const error = new StorageError('not_found', 'Cannot read /a: gone', '/a')
  expect(toStorageError(error, 'write', '/b')).toBe(error)
})
