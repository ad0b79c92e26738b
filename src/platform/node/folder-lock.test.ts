import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockFolder } from './folder-lock.ts'

function makeFolder(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'shoal-lock-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

/** A process that listens on a socket in the folder, as a holder of its lock does, and then is killed or stopped. */
async function otherProcess(folder: string, answer: string): Promise<{ kill: () => Promise<void> }> {
  const path = join(folder, 'lock.0ther')
  const code = `require('net').createServer((s) => s.end(${JSON.stringify(answer)})).listen(${JSON.stringify(path)}, () => console.log('ready'))`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exit
  }
  onTestFinished(kill)
  await once(child.stdout, 'data')
  return { kill }
}

test('a lock is held until it is released, and leaves nothing behind', async () => {
  const folder = makeFolder()
  const unlock = await lockFolder(folder, '/content')
  await expect(lockFolder(folder, '/content')).rejects.toMatchObject({ name: 'StateError', code: 'in_use' })
  await unlock()
  const unlockAgain = await lockFolder(folder, '/content')
  await unlockAgain()
  expect(fs.readdirSync(folder)).toEqual([])
})

test('the lock of a process that was killed is no lock any more', async () => {
  const folder = makeFolder()
  const { kill } = await otherProcess(folder, 'held')
  await expect(lockFolder(folder, '/content')).rejects.toMatchObject({ code: 'in_use' })
  await kill()
  expect(fs.readdirSync(folder)).toEqual(['lock.0ther'])
  const unlock = await lockFolder(folder, '/content')
  await unlock()
  expect(fs.readdirSync(folder)).toEqual([])
})

test('who wants the lock too is waited for', async () => {
  const folder = makeFolder()
  const { kill } = await otherProcess(folder, 'wanted')
  const locking = lockFolder(folder, '/content')
  await kill()
  const unlock = await locking
  await unlock()
  expect(fs.readdirSync(folder)).toEqual([])
})

test('a holder that does not answer has the lock all the same', { timeout: 10_000 }, async () => {
  const folder = makeFolder()
  const silent = createServer((socket) => socket.on('error', () => {}))
  silent.listen(join(folder, 'lock.silent'))
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  await expect(lockFolder(folder, '/content')).rejects.toMatchObject({ code: 'in_use' })
})

test('a folder that cannot be had is a StorageError', async () => {
  const folder = makeFolder()
  await expect(lockFolder(join(folder, 'none'), '/content')).rejects.toMatchObject({ name: 'StorageError' })
})
