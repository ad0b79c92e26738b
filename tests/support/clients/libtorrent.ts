// libtorrent (Rasterbar) through its Python bindings; the script beside this file is the client.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Client, ClientTask, RunningClient } from './client.ts'
import { versionOf } from './version.ts'

const SCRIPT = fileURLToPath(new URL('libtorrent-peer.py', import.meta.url))

/** The Python that has the bindings. */
export const python = process.env.SHOAL_PYTHON ?? '/usr/bin/python3'

export const libtorrent: Client = {
  name: 'libtorrent',
  dialsLoopback: true,
  makesEmptyFiles: true,
  patienceMs: 60_000,
  found: () => versionOf([python, '-c', 'import libtorrent; print(libtorrent.__version__)'], /^\d[\d.]+$/m),
  startSeeder: (task) => start('seed', task),
  startLeecher: (task) => start('leech', task),
}

async function start(mode: 'seed' | 'leech', task: ClientTask): Promise<RunningClient> {
  const argv = [python, SCRIPT, mode, task.torrent, task.folder, String(task.port)]
  const program = task.stage.start(`libtorrent ${mode}`, argv, { env: { PYTHONUNBUFFERED: '1' } })
  const said = async (word: string): Promise<void> => {
    await program.line(new RegExp(`^${word}$`), libtorrent.patienceMs)
  }
  return { program, ready: () => said('ready'), done: () => said('done') }
}

/** Infohashes of torrent files, hexadecimal; a file that libtorrent refuses is left out. */
export function infohashesByLibtorrent(
  paths: readonly string[],
): Map<string, { infohash_v1: string | null; infohash_v2: string | null }> {
  const { stdout, stderr, status } = spawnSync(python, [SCRIPT, 'infohashes', ...paths], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`libtorrent cannot tell infohashes: ${stderr}`)
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; error?: string; infohash_v1: string; infohash_v2: string })
  return new Map(
    answers
      .filter(({ error }) => error === undefined)
      .map(({ path, infohash_v1, infohash_v2 }) => [path, { infohash_v1, infohash_v2 }]),
  )
}
