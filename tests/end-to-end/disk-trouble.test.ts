// What the real command does when the real disk gives trouble: each kind with its message, and without loss.
import { chmodSync, readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MountSpace } from '../support/mounts.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { LOOPBACK, peers, seed, type Shoal, startShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'

const MIB = 1 << 20
const TIMEOUT = { timeout: 120_000 }
/** 50.0 MiB. */
const payload = Payload.tree('trouble', 48 * MIB, 12)
const torrent = makeTorrent(payload, 256 * 1024)

class Scene {
  readonly stage: Stage
  readonly torrentFile: string
  /** Where a file system is to be mounted, and the download goes. */
  readonly folder: string
  readonly state: string
  readonly seeder: Shoal

  /** With a seeder that gives so much a second. */
  constructor(context: Parameters<typeof openStage>[0], rate = '16M') {
    this.stage = openStage(context)
    const complete = this.stage.folder('complete')
    payload.write(complete)
    this.torrentFile = this.stage.torrentFile(torrent)
    this.seeder = seed(this.stage, this.torrentFile, complete, '--up-rate', rate)
    this.folder = this.stage.folder('downloaded')
    this.state = this.stage.folder('remembered')
  }

  async download(before: readonly string[] = []): Promise<Shoal> {
    const from = peers([await this.seeder.address()])
    const args = ['download', this.torrentFile, '-o', this.folder, '--state', this.state, ...LOOPBACK, ...from]
    return startShoal(this.stage, args, {}, before)
  }

  /** The content, seen from within the mounts. */
  async copyOut(space: MountSpace): Promise<string> {
    const copy = this.stage.folder('copy')
    await space.run('cp', '-r', `${this.folder}/.`, copy)
    return copy
  }
}

/** Its last words, when it has failed. */
async function failure(shoal: Shoal): Promise<{ code: unknown; message: unknown }> {
  expect((await shoal.exited).code).toBe(1)
  const { event, code, message } = shoal.events.at(-1)!
  expect(event).toBe('error')
  return { code, message }
}

test(
  'a disk that is too small is told before the download, which begins once there is room',
  TIMEOUT,
  async (context) => {
    const scene = new Scene(context)
    const space = await MountSpace.open(scene.stage)
    await space.mountMemory(scene.folder, 20)
    const shoal = await scene.download(space.enter)
    const parked = await shoal.event('parked')
    expect(parked.code).toBe('disk_full')
    expect(parked.message).toMatch(
      /^The disk of .* is full: 30\.0 MiB more are needed \(50\.0 MiB to come, 20\.0 MiB free\); it goes on by itself/,
    )
    await space.resizeMemory(scene.folder, 80)
    await shoal.finished()
    expect(payload.differences(await scene.copyOut(space))).toEqual([])
  },
)

test(
  'a disk that somebody else fills holds the download up, and nothing is fetched again',
  TIMEOUT,
  async (context) => {
    const scene = new Scene(context)
    const space = await MountSpace.open(scene.stage)
    await space.mountMemory(scene.folder, 60)
    const shoal = await scene.download(space.enter)
    await shoal.event('progress', ({ downloaded }) => Number(downloaded) > 8 * MIB)
    const filler = join(scene.folder, 'filler')
    // Until there is no room; that it fails is what is wanted.
    await space.run('sh', '-c', `cat /dev/zero > ${filler}; true`)
    const parked = await shoal.event('parked')
    expect(parked).toMatchObject({ code: 'disk_full', message: expect.stringMatching(/MiB more are needed/) })
    await space.run('rm', filler)
    await shoal.finished()
    expect(shoal.all('resumed')).toHaveLength(1)
    expect(shoal.all('checking')).toEqual([])
    expect(Number(shoal.all('progress').at(-1)!.downloaded)).toBeLessThan(payload.size + 16 * MIB)
    await space.run('test', '!', '-e', filler)
    expect(payload.differences(await scene.copyOut(space))).toEqual([])
  },
)

test('a drive that is gone is waited for, and found as it was', TIMEOUT, async (context) => {
  const scene = new Scene(context, '6M')
  const space = await MountSpace.open(scene.stage)
  const drive = scene.stage.folder('drive')
  await space.mountMemory(drive, 100)
  await space.run('mount', '--bind', drive, scene.folder)
  const shoal = await scene.download(space.enter)
  await shoal.event('progress', ({ downloaded }) => Number(downloaded) > 36 * MIB)
  await space.run('umount', '-l', scene.folder)
  const parked = await shoal.event('parked')
  expect(parked.code).toBe('drive_gone')
  expect(parked.message).toMatch(/^The drive of .* is not connected: none of its files is there; it goes on by itself/)
  // No second copy is begun in the empty folder.
  expect(readdirSync(scene.folder)).toEqual([])

  // A second start while it is gone waits, too.
  shoal.program.signal('SIGINT')
  await shoal.exited
  const again = await scene.download(space.enter)
  expect((await again.event('parked')).code).toBe('drive_gone')
  expect(readdirSync(scene.folder)).toEqual([])
  const left = Number(shoal.all('progress').at(-1)!.left)

  await space.run('mount', '--bind', drive, scene.folder)
  await again.finished()
  expect(again.all('resumed')).toHaveLength(1)
  // What was not safe when the drive went is not sure; the rest is not looked at.
  expect(Number(again.all('checking').at(-1)?.total ?? 0)).toBeLessThan(30 * MIB)
  expect(Number(again.all('progress').at(-1)!.downloaded)).toBeLessThanOrEqual(left)
  expect(payload.differences(await scene.copyOut(space))).toEqual([])
})

test('a file system that may not be written to is named, and what was there stays', TIMEOUT, async (context) => {
  const scene = new Scene(context)
  const space = await MountSpace.open(scene.stage)
  await space.mountMemory(scene.folder, 100)
  const first = await scene.download(space.enter)
  await first.event('progress', ({ downloaded }) => Number(downloaded) > 8 * MIB)
  first.program.signal('SIGINT')
  await first.exited
  const left = Number(first.all('progress').at(-1)!.left)
  await space.run('mount', '-o', 'remount,ro', scene.folder)
  const { code, message } = await failure(await scene.download(space.enter))
  expect(code).toBe('read_only')
  expect(message).toMatch(/^Cannot write .*: the file system is read-only; choose another folder$/)
  await space.run('mount', '-o', 'remount,rw', scene.folder)
  const last = await scene.download(space.enter)
  await last.finished()
  expect(last.all('checking')).toEqual([])
  expect(Number(last.all('progress').at(-1)!.downloaded)).toBeLessThanOrEqual(left)
  expect(payload.differences(await scene.copyOut(space))).toEqual([])
})

test(
  'a file that somebody shortens ends its seed, and alone is checked and fetched again',
  TIMEOUT,
  async (context) => {
    const scene = new Scene(context)
    const whole = await scene.download()
    await whole.finished()
    const again = seed(scene.stage, scene.torrentFile, scene.folder, '--state', scene.state)
    const address = await again.address()
    await again.event('seeding')
    const cut = payload.files[4]
    truncateSync(join(scene.folder, payload.name, ...cut.path), cut.length - 1)
    const leecher = startShoal(scene.stage, [
      'download',
      scene.torrentFile,
      '-o',
      scene.stage.folder('leecher'),
      ...LOOPBACK,
      '--peer',
      address,
    ])
    const { code, message } = await failure(again)
    expect(code).toBe('truncated')
    expect(message).toMatch(/^Cannot read .* up to byte \d+: it has become shorter; start again to have it checked$/)
    leecher.program.signal('SIGINT')
    const repaired = await scene.download()
    await repaired.finished()
    expect(repaired.all('warning').map(({ code }) => code)).toEqual(['state_not_trusted'])
    expect(Number(repaired.all('progress').at(-1)!.downloaded)).toBeLessThanOrEqual(2 * 256 * 1024)
    expect(payload.differences(scene.folder)).toEqual([])
  },
)

test('a folder without rights is named', TIMEOUT, async (context) => {
  const scene = new Scene(context)
  chmodSync(scene.folder, 0o000)
  scene.stage.onEnd(() => chmodSync(scene.folder, 0o700))
  // In a user namespace without a mapping even root has no more rights than the files say.
  const { code, message } = await failure(await scene.download(['unshare', '-U']))
  expect(code).toBe('permission_denied')
  expect(message).toMatch(/^Cannot .* permission denied; check the owner and the access rights$/)
})
