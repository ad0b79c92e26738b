import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { walkFolder } from './walk-folder.ts'

/** A folder with these files, each as long as the number says. */
function folderWith(files: Readonly<Record<string, number>>): string {
  const root = fs.mkdtempSync(join(tmpdir(), 'shoal-walk-'))
  onTestFinished(() => fs.rmSync(root, { recursive: true }))
  for (const [path, length] of Object.entries(files)) {
    fs.mkdirSync(join(root, path, '..'), { recursive: true })
    fs.writeFileSync(join(root, path), new Uint8Array(length))
  }
  return root
}

test('lists all files with their sizes, sorted by the bytes of their names', async () => {
  const root = folderWith({ 'b/2': 2, 'b/10': 10, a: 1, 'B/x': 3, é: 0, '.hidden': 4, 'ab/c/d': 5 })
  const files = await walkFolder(root)
  expect(files.map(({ path, length }) => `${path.join('/')} ${length}`)).toEqual([
    '.hidden 4',
    'B/x 3',
    'a 1',
    'ab/c/d 5',
    'b/10 10',
    'b/2 2',
    'é 0',
  ])
})

test('a single file has no path below itself', async () => {
  const root = folderWith({ file: 7 })
  expect(await walkFolder(join(root, 'file'))).toMatchObject([{ path: [], length: 7 }])
})

test('leaves symbolic links out, but follows the one it was given', async () => {
  const root = folderWith({ 'inside/file': 1, 'outside/secret': 2 })
  fs.symlinkSync('../outside', join(root, 'inside', 'link'))
  fs.symlinkSync('.', join(root, 'inside', 'circle'))
  fs.symlinkSync('../outside/secret', join(root, 'inside', 'name'))
  fs.symlinkSync('inside', join(root, 'start'))
  for (const start of ['inside', 'start']) {
    expect(await walkFolder(join(root, start))).toMatchObject([{ path: ['file'], length: 1 }])
  }
})

test('an empty folder holds nothing, and a missing one is an error', async () => {
  const root = folderWith({})
  expect(await walkFolder(root)).toEqual([])
  await expect(walkFolder(join(root, 'none'))).rejects.toMatchObject({ name: 'StorageError', code: 'not_found' })
})

test('its limits hold', async () => {
  const root = folderWith({ 'a/b/c/file': 1, other: 1 })
  expect(await walkFolder(root, { maxDepth: 3, maxFiles: 2 })).toHaveLength(2)
  await expect(walkFolder(root, { maxDepth: 2 })).rejects.toThrow('more than 2 folders deep')
  await expect(walkFolder(root, { maxFiles: 1 })).rejects.toThrow('more than 1 files')
})

test('tells which files their owner may execute', async () => {
  const root = folderWith({ run: 1, read: 1 })
  fs.chmodSync(join(root, 'run'), 0o744)
  expect((await walkFolder(root)).map(({ isExecutable }) => isExecutable)).toEqual([false, true])
})
