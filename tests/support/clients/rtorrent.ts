// rtorrent without its screen. It refuses torrents without a tracker, and does not dial loopback addresses that one
// gave it. Its hooks run a command; `touch` leaves the mark that the test waits for.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../wait.ts'
import type { Client, ClientTask, RunningClient } from './client.ts'
import { versionOf } from './version.ts'

export const rtorrent: Client = {
  name: 'rtorrent',
  dialsLoopback: false,
  makesEmptyFiles: true,
  patienceMs: 60_000,
  found: () => versionOf(['rtorrent', '-h'], /\d+\.\d+\.\d+/),
  startSeeder: start,
  startLeecher: start,
}

async function start(task: ClientTask): Promise<RunningClient> {
  const scratch = task.stage.folder('rtorrent')
  const session = join(scratch, 'session')
  mkdirSync(session)
  const [checked, finished] = [join(scratch, 'checked'), join(scratch, 'finished')]
  const commands = [
    'system.daemon.set = true',
    `session.path.set = ${session}`,
    `directory.default.set = ${task.folder}`,
    'network.bind_address.set = 127.0.0.1',
    'network.local_address.set = 127.0.0.1',
    `network.port_range.set = ${task.port}-${task.port}`,
    'network.port_random.set = no',
    'dht.mode.set = disable',
    'protocol.pex.set = no',
    'trackers.use_udp.set = no',
    'protocol.encryption.set = allow_incoming',
    'throttle.max_uploads.set = 50',
    'pieces.hash.on_completion.set = no',
    `method.set_key = event.download.hash_done,test,"execute.nothrow=touch,${checked}"`,
    `method.set_key = event.download.finished,test,"execute.nothrow=touch,${finished}"`,
    `schedule2 = load, 0, 0, "load.start=${task.torrent}"`,
  ]
  const settings = join(scratch, 'rtorrent.rc')
  writeFileSync(settings, `${commands.join('\n')}\n`)
  const program = task.stage.start('rtorrent', ['rtorrent', '-n', '-o', `import=${settings}`])
  const marked = (what: string, path: string): Promise<void> =>
    until(`rtorrent ${what}`, () => existsSync(path), rtorrent.patienceMs).then(() => {})
  return {
    program,
    ready: () => marked('has looked at its data', checked),
    done: () => marked('is complete', finished),
  }
}
