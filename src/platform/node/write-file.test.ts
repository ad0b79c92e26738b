import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { encodeUtf8 } from '../../base/bytes.ts'
import { readSmallFile, writeFileAtomically } from './write-file.ts'

function makeFolder(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'shoal-write-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

test('makes and replaces a file, and leaves nothing else behind', async () => {
  const folder = makeFolder()
  const path = join(folder, 'file')
  await writeFileAtomically(path, encodeUtf8('first'))
  await writeFileAtomically(path, encodeUtf8('second'))
  expect(fs.readFileSync(path, 'utf8')).toBe('second')
  expect(fs.readdirSync(folder)).toEqual(['file'])
})

test('a failed write leaves nothing behind', async () => {
  const folder = makeFolder()
  fs.mkdirSync(join(folder, 'taken'))
  await expect(writeFileAtomically(join(folder, 'taken'), encodeUtf8('x'))).rejects.toMatchObject({
    code: 'not_a_file',
  })
  await expect(writeFileAtomically(join(folder, 'no', 'file'), encodeUtf8('x'))).rejects.toMatchObject({
    code: 'not_found',
  })
  expect(fs.readdirSync(folder)).toEqual(['taken'])
})

test('reads a file as large as allowed and no larger', async () => {
  const path = join(makeFolder(), 'file')
  const content = Uint8Array.from({ length: 100_000 }, (_, i) => i & 0xff)
  fs.writeFileSync(path, content)
  expect(await readSmallFile(path, 100_000)).toEqual(content)
  await expect(readSmallFile(path, 99_999)).rejects.toMatchObject({ code: 'io_error', path })
})

test('tells what cannot be read', async () => {
  const folder = makeFolder()
  await expect(readSmallFile(join(folder, 'none'), 10)).rejects.toMatchObject({ code: 'not_found' })
  await expect(readSmallFile(folder, 10)).rejects.toMatchObject({ code: 'not_a_file' })
})
