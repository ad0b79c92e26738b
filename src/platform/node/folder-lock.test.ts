import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FolderLocks, isLockFile } from './folder-lock.ts'

function makeFolder(): string {
  const root = fs.mkdtempSync(join(tmpdir(), 'shoal-lock-'))
  onTestFinished(() => fs.rmSync(root, { recursive: true }))
  fs.mkdirSync(join(root, 'folder'))
  return root
}

/** Runs code in a process of its own until it says that it is ready. */
async function otherProcess(code: string): Promise<ChildProcess & { kill9(this: void): Promise<void> }> {
  const args = ['--import=tsx', '--input-type=module', '-e', code]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const kill9 = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exit
  }
  onTestFinished(kill9)
  await once(child.stdout, 'data')
  return Object.assign(child, { kill9 })
}

/** A process that listens on a socket in the folder, and answers what it is asked with one word. */
function answeringProcess(root: string, word: string): ReturnType<typeof otherProcess> {
  const path = JSON.stringify(join(root, 'folder', 'lock.0ther'))
  return otherProcess(`
    import { createServer } from 'node:net'
    createServer((socket) => socket.end('${word}')).listen(${path}, () => console.log('ready'))
  `)
}

function lockingProcess(
  root: string,
  names: readonly string[],
  hasOneSocket: boolean,
): ReturnType<typeof otherProcess> {
  return otherProcess(`
    const { FolderLocks } = await import(${JSON.stringify(new URL('folder-lock.ts', import.meta.url).href)})
    const locks = new FolderLocks(${JSON.stringify(root)}, ${hasOneSocket})
    await Promise.all(${JSON.stringify(names)}.map((name) => locks.lock(name, '/content')))
    console.log('ready')
    setInterval(() => {}, 60_000)
  `)
}

/** Everything below the root that is no folder. */
function filesIn(root: string): string[] {
  const entries = fs.readdirSync(root, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
}

describe.skipIf(process.platform === 'win32').each([
  ['one socket for all', true],
  ['a socket for each', false],
])('with %s', (_, hasOneSocket) => {
  test('a lock is held until it is released, and leaves nothing behind', async () => {
    const root = makeFolder()
    const [mine, other] = [new FolderLocks(root, hasOneSocket), new FolderLocks(root, hasOneSocket)]
    const unlock = await mine.lock('folder', '/content')
    for (const locks of [mine, other]) {
      await expect(locks.lock('folder', '/content')).rejects.toMatchObject({ name: 'StateError', code: 'in_use' })
    }
    unlock()
    const unlockAgain = await other.lock('folder', '/content')
    await expect(mine.lock('folder', '/content')).rejects.toMatchObject({ code: 'in_use' })
    unlockAgain()
    expect(filesIn(root)).toEqual([])
  })

  test('who releases a lock twice releases no other', async () => {
    const root = makeFolder()
    fs.mkdirSync(join(root, 'second'))
    const [mine, other] = [new FolderLocks(root, hasOneSocket), new FolderLocks(root, hasOneSocket)]
    const unlock = await mine.lock('folder', '/content')
    const unlockSecond = await mine.lock('second', '/content')
    unlock()
    unlock()
    await expect(other.lock('second', '/content')).rejects.toMatchObject({ code: 'in_use' })
    unlockSecond()
    expect(filesIn(root)).toEqual([])
  })

  test('of many who want the same folders at once each folder goes to one', async () => {
    const root = makeFolder()
    const names = Array.from({ length: 10 }, (_, i) => `folder ${i}`)
    for (const name of names) fs.mkdirSync(join(root, name))
    const contenders = [1, 2, 3].map(() => new FolderLocks(root, hasOneSocket))
    const attempts = contenders.flatMap((locks) => names.map((name) => locks.lock(name, name)))
    const results = await Promise.allSettled(attempts)
    const won = results.flatMap((result, i) => (result.status === 'fulfilled' ? [names[i % names.length]] : []))
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    expect(won.toSorted()).toEqual(names.toSorted())
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining({ code: 'in_use' }) as unknown))
    for (const result of results) if (result.status === 'fulfilled') result.value()
    expect(filesIn(root)).toEqual([])
  })

  test('the locks of a process that was killed are none any more', { timeout: 60_000 }, async () => {
    const root = makeFolder()
    fs.mkdirSync(join(root, 'another'))
    const names = ['folder', 'another']
    const { kill9 } = await lockingProcess(root, names, hasOneSocket)
    const locks = new FolderLocks(root, hasOneSocket)
    await expect(locks.lock('folder', '/content')).rejects.toMatchObject({ code: 'in_use' })
    await kill9()
    expect(filesIn(root).filter(isLockFile)).toHaveLength(hasOneSocket ? 3 : 2)
    const unlocks = await Promise.all(names.map((name) => locks.lock(name, '/content')))
    for (const unlock of unlocks) unlock()
    expect(filesIn(root)).toEqual([])
  })

  test(
    'a process that is stopped has its locks all the same, and keeps nobody from others',
    { timeout: 60_000 },
    async () => {
      const root = makeFolder()
      fs.mkdirSync(join(root, 'another'))
      const child = await lockingProcess(root, ['folder'], hasOneSocket)
      child.kill('SIGSTOP')
      const locks = new FolderLocks(root, hasOneSocket)
      const unlock = await locks.lock('another', '/content')
      await expect(locks.lock('folder', '/content')).rejects.toMatchObject({ code: 'in_use' })
      unlock()
    },
  )

  test('who wants the lock too is waited for', { timeout: 60_000 }, async () => {
    const root = makeFolder()
    const { kill9 } = await answeringProcess(root, 'wanted')
    const locking = new FolderLocks(root, hasOneSocket).lock('folder', '/content')
    await kill9()
    const unlock = await locking
    unlock()
    expect(filesIn(root)).toEqual([])
  })

  test('a holder that does not answer has the lock all the same', { timeout: 10_000 }, async () => {
    const root = makeFolder()
    const silent = createServer((socket) => socket.on('error', () => {}))
    silent.listen(join(root, 'folder', 'lock.silent'))
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const locks = new FolderLocks(root, hasOneSocket)
    await expect(locks.lock('folder', '/content')).rejects.toMatchObject({ code: 'in_use' })
  })

  test('a claim that its own process knows nothing of is none', async () => {
    const root = makeFolder()
    fs.mkdirSync(join(root, 'another'))
    const other = new FolderLocks(root, hasOneSocket)
    const unlockOther = await other.lock('another', '/content')
    // As if it could not be removed when it was withdrawn.
    const [claim] = fs.readdirSync(join(root, 'another'))
    fs.renameSync(join(root, 'another', claim), join(root, 'folder', `${claim}0`))
    const unlock = await new FolderLocks(root, hasOneSocket).lock('folder', '/content')
    unlock()
    unlockOther()
    expect(filesIn(root)).toEqual([])
  })

  test('folders of a long name are locked as others are', { timeout: 60_000 }, async () => {
    if (process.platform !== 'linux') return
    const root = join(makeFolder(), 'f'.repeat(120))
    fs.mkdirSync(join(root, 'folder'), { recursive: true })
    const { kill9 } = await lockingProcess(root, ['folder'], hasOneSocket)
    const locks = new FolderLocks(root, hasOneSocket)
    await expect(locks.lock('folder', '/content')).rejects.toMatchObject({ code: 'in_use' })
    await kill9()
    const unlock = await locks.lock('folder', '/content')
    unlock()
    expect(filesIn(root)).toEqual([])
  })

  test('a folder that cannot be had is a StorageError', async () => {
    const root = makeFolder()
    const locks = new FolderLocks(root, hasOneSocket)
    await expect(locks.lock('none', '/content')).rejects.toMatchObject({ name: 'StorageError' })
    await expect(new FolderLocks(join(root, 'none'), hasOneSocket).lock('none', '/content')).rejects.toMatchObject({
      name: 'StorageError',
    })
    expect(filesIn(root)).toEqual([])
  })
})
