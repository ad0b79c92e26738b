// aria2c. It tries an encrypted connection first and comes back in the clear a second later.
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listening } from '../ports.ts'
import { until } from '../wait.ts'
import type { Client, ClientTask, RunningClient } from './client.ts'
import { versionOf } from './version.ts'

export const aria2: Client = {
  name: 'aria2',
  dialsLoopback: true,
  makesEmptyFiles: true,
  patienceMs: 60_000,
  found: () => versionOf(['aria2c', '--version'], /\d+\.\d+\.\d+/),
  startSeeder: (task) => start(task, ['--bt-seed-unverified=true']),
  startLeecher: (task) => start(task, ['--check-integrity=true']),
}

async function start(task: ClientTask, extra: readonly string[]): Promise<RunningClient> {
  const scratch = task.stage.folder('aria2')
  const mark = join(scratch, 'done')
  const hook = join(scratch, 'done.sh')
  writeFileSync(hook, `#!/bin/sh\n: > '${mark}'\n`)
  chmodSync(hook, 0o755)
  const program = task.stage.start('aria2', [
    'aria2c',
    '--no-conf',
    `--dir=${task.folder}`,
    `--listen-port=${task.port}`,
    '--interface=127.0.0.1',
    '--enable-dht=false',
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--enable-peer-exchange=false',
    '--bt-require-crypto=false',
    '--bt-min-crypto-level=plain',
    '--bt-max-peers=200',
    '--bt-request-peer-speed-limit=0',
    '--bt-tracker-interval=2',
    '--file-allocation=none',
    '--follow-torrent=mem',
    '--allow-overwrite=true',
    '--seed-ratio=0.0',
    '--summary-interval=0',
    '--show-console-readout=false',
    `--on-bt-download-complete=${hook}`,
    ...extra,
    task.torrent,
  ])
  return {
    program,
    ready: () => listening(program, task.port),
    done: () => until('aria2 is complete', () => existsSync(mark), aria2.patienceMs).then(() => {}),
  }
}
