// What the contract of disks does not cover: the threads. They run the built code: `npm run build` comes before.
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { FileSpan } from '../platform.ts'
import { NodeDisk } from './disk.ts'
import { diskWorkerFile } from './disk-worker-file.ts'

const script = (code: string): URL =>
  new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'\n${code}`)}`)

function makeFolder(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'shoal-disk-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

/** One byte of a file. */
function one(path: string): FileSpan[] {
  return [{ path, offset: 0, length: 1 }]
}

test.each([
  ['ends', "parentPort.on('message', () => process.exit(1))"],
  ['throws', "parentPort.on('message', () => { throw new Error('bug') })"],
  ['does not load', "import 'node:nothing'"],
])('when a thread %s, what it had to do fails, and the next operation gets a new one', async (_, code) => {
  const folder = makeFolder()
  let started = 0
  const disk = new NodeDisk({ workers: 1, workerFile: () => (started++ === 0 ? script(code) : diskWorkerFile()) })
  const volume = await disk.openVolume(folder)
  const path = join(folder, 'none')
  const lost = await Promise.allSettled([volume.hash(one(path)), volume.hash(one(path))])
  for (const result of lost) {
    expect(result).toMatchObject({ status: 'rejected', reason: { name: 'StorageError', code: 'io_error', path } })
  }
  expect(await volume.hash(one(path))).toBeNull()
  expect(started).toBe(2)
  await disk.close()
})

test('a thread that cannot be started fails the operation', async () => {
  const folder = makeFolder()
  const workerFile = (): URL => {
    throw new Error('not built')
  }
  const disk = new NodeDisk({ workers: 1, workerFile })
  const volume = await disk.openVolume(folder)
  await expect(volume.hash(one(folder))).rejects.toMatchObject({
    code: 'io_error',
    message: expect.stringContaining('not built'),
  })
  await disk.close()
})

test('closing does not wait for ever for a thread that hangs', async () => {
  const hang = "parentPort.on('message', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))"
  const disk = new NodeDisk({ workers: 1, closeLimitMs: 20, workerFile: () => script(hang) })
  const folder = makeFolder()
  const volume = await disk.openVolume(folder)
  const [hanging] = await Promise.allSettled([volume.hash(one(folder)), disk.close()])
  expect(hanging).toMatchObject({ status: 'rejected', reason: { code: 'disk_closed' } })
})

test('threads start with the first operation, and no more of them than are busy', async () => {
  let started = 0
  const workerFile = (): URL => {
    started++
    return diskWorkerFile()
  }
  const disk = new NodeDisk({ workers: 3, workerFile })
  const folder = makeFolder()
  const volume = await disk.openVolume(folder)
  expect(started).toBe(0)
  await volume.hash(one(join(folder, 'none')))
  await volume.hash(one(join(folder, 'none')))
  expect(started).toBe(1)
  await Promise.all([volume.hash(one(join(folder, 'none'))), volume.hash(one(join(folder, 'none')))])
  expect(started).toBe(2)
  await disk.close()
})

test('an idle thread keeps no process alive', async () => {
  const disk = new URL('./disk.js', diskWorkerFile())
  const program = `
    import { NodeDisk } from ${JSON.stringify(disk.href)}
    const volume = await new NodeDisk({ workers: 1 }).openVolume('.')
    console.log(await volume.hash([{ path: 'none', offset: 0, length: 1 }]))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  expect(stdout).toBe('null\n')
})

test('memory is not touched before it is used', () => {
  const before = process.memoryUsage.rss()
  const disk = new NodeDisk({ slotCount: 4096, frameCount: 1024 })
  expect(disk.freeSlots).toBe(4096)
  expect(process.memoryUsage.rss() - before).toBeLessThan(512 << 20)
})
