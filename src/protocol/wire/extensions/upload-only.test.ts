import { expect, test } from 'vitest'
import { PeerError } from '../../../base/errors.ts'
import { decodeUploadOnly, encodeUploadOnly } from './upload-only.ts'

test.each([true, false])('that we want nothing (%s) is one byte, and understood', (isUploadOnly) => {
  expect(encodeUploadOnly(isUploadOnly)).toEqual(Uint8Array.of(isUploadOnly ? 1 : 0))
  expect(decodeUploadOnly(encodeUploadOnly(isUploadOnly))).toBe(isUploadOnly)
})

test.each([[[]], [[1, 1]], [[0, 0, 0, 1]]])('%j is no such message', (bytes) => {
  expect(() => decodeUploadOnly(Uint8Array.from(bytes))).toThrow(PeerError)
})
