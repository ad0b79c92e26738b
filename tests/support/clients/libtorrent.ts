// libtorrent (Rasterbar) through its Python bindings; the script beside this file is the client.
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
