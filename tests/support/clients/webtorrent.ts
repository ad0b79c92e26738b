// WebTorrent from npm, over TCP. It lives in a package of its own, tests/interop, which need not be installed.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Client, ClientTask, RunningClient } from './client.ts'

const INTEROP = new URL('../../interop/', import.meta.url)
const SCRIPT = fileURLToPath(new URL('webtorrent-peer.mjs', INTEROP))
const MANIFEST = new URL('node_modules/webtorrent/package.json', INTEROP)

export const webtorrent: Client = {
  name: 'webtorrent',
  dialsLoopback: true,
  takesLinks: false,
  makesEmptyFiles: true,
  patienceMs: 90_000,
  found: () =>
    existsSync(MANIFEST) ? (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version : null,
  startSeeder: (task) => start('seed', task),
  startLeecher: (task) => start('leech', task),
}

async function start(mode: 'seed' | 'leech', task: ClientTask): Promise<RunningClient> {
  const argv = [process.execPath, SCRIPT, mode, task.torrent, task.folder, String(task.port)]
  const program = task.stage.start(`webtorrent ${mode}`, argv)
  const said = async (word: string): Promise<void> => {
    await program.line(new RegExp(`^${word}$`), webtorrent.patienceMs)
  }
  return { program, ready: () => said('ready'), done: () => said('done') }
}
