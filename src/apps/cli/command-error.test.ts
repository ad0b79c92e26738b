import { expect, test } from 'vitest'
import { FormatError, NetworkError, StorageError } from '../../base/errors.ts'
import { CommandError, describeFailure, usageError } from './command-error.ts'

test('an error of the library keeps its code, and says what to do', () => {
  const error = new NetworkError('address_in_use', 'Cannot listen on 127.0.0.1 port 1: it is taken')
  expect(describeFailure(error)).toEqual({
    code: 'address_in_use',
    message: 'Cannot listen on 127.0.0.1 port 1: it is taken; choose another --port, or leave it out',
    exitCode: 1,
  })
})

test('what says itself what to do is left as it is', () => {
  const error = new StorageError('disk_full', 'Cannot write /a: the disk is full; free some space', '/a')
  expect(describeFailure(error).message).toBe('Cannot write /a: the disk is full; free some space')
})

test('an error without advice is told as it is', () => {
  const error = new FormatError('missing_info', 'Cannot read torrent: it has no info dictionary')
  expect(describeFailure(error)).toEqual({ code: 'missing_info', message: error.message, exitCode: 1 })
})

test("the system's errors get a code of ours, and lose its jargon", () => {
  const error = Object.assign(new Error("EACCES: permission denied, open '/root/x'"), {
    code: 'EACCES',
    syscall: 'open',
    path: '/root/x',
  })
  expect(describeFailure(error)).toEqual({
    code: 'permission_denied',
    message: 'Cannot use /root/x: permission denied; check the permissions, or choose another folder',
    exitCode: 1,
  })
})

test('wrong usage ends with 2, a failure of a command with 1', () => {
  expect(describeFailure(usageError('no')).exitCode).toBe(2)
  expect(describeFailure(new CommandError('incomplete', 'no')).exitCode).toBe(1)
})

test.for([[new TypeError('x is not a function')], ['a string'], [null]])(
  'anything else is a fault of ours: %o',
  ([error]) => {
    expect(describeFailure(error)).toMatchObject({ code: 'internal', exitCode: 1 })
    expect(describeFailure(error).message).toMatch(/^Internal error: .*; please report it$/)
    expect(describeFailure(error).message).not.toContain('\n')
  },
)
