// transmission-daemon, driven through its RPC. It answers interest only on its 10 s pulse, so that it begins late,
// and takes every loopback address that a tracker names for a forgery.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { until } from '../wait.ts'
import type { Program } from '../program.ts'
import type { Client, ClientTask, RunningClient } from './client.ts'
import { versionOf } from './version.ts'

interface TorrentView {
  /** 0 stopped, 1-2 checking, 3-4 downloading, 5-6 seeding. */
  readonly status: number
  readonly leftUntilDone: number
  readonly errorString: string
}

export const transmission: Client = {
  name: 'transmission',
  dialsLoopback: false,
  makesEmptyFiles: false,
  patienceMs: 150_000,
  found: () => versionOf(['transmission-daemon', '-V'], /\d+\.\d+\S*/),
  startSeeder: start,
  startLeecher: start,
}

async function start(task: ClientTask): Promise<RunningClient> {
  const rpcPort = await freePort()
  const config = task.stage.folder('transmission')
  mkdirSync(config, { recursive: true })
  const settings = {
    'bind-address-ipv4': '127.0.0.1',
    'bind-address-ipv6': '::1',
    'peer-port': task.port,
    'rpc-bind-address': '127.0.0.1',
    'rpc-port': rpcPort,
    'download-dir': task.folder,
    'dht-enabled': false,
    'lpd-enabled': false,
    'pex-enabled': false,
    'utp-enabled': false,
    'port-forwarding-enabled': false,
    encryption: 0,
    'cache-size-mb': 16,
    'upload-slots-per-torrent': 50,
    'rename-partial-files': false,
    'message-level': 1,
  }
  writeFileSync(join(config, 'settings.json'), JSON.stringify(settings))
  const program = task.stage.start('transmission', ['transmission-daemon', '-f', '-g', config])
  const rpc = new Rpc(program, rpcPort)
  const isLink = task.torrent.startsWith('magnet:')
  const source = isLink ? { filename: task.torrent } : { metainfo: readFileSync(task.torrent).toString('base64') }
  await rpc.call('torrent-add', source)
  const reaches = (what: string, condition: (view: TorrentView) => boolean): Promise<void> =>
    until(`transmission ${what}`, async () => condition(await rpc.look()), transmission.patienceMs).then(() => {})
  return {
    program,
    ready: () => reaches('has looked at its data', ({ status }) => status >= 3),
    done: () => reaches('is complete', ({ status, leftUntilDone }) => status >= 5 && leftUntilDone === 0),
  }
}

/** Transmission's RPC, as far as a test needs it. */
class Rpc {
  readonly #program: Program
  readonly #url: string
  #sessionId = ''

  constructor(program: Program, port: number) {
    this.#program = program
    this.#url = `http://127.0.0.1:${port}/transmission/rpc`
  }

  async call(method: string, args: object): Promise<Record<string, unknown>> {
    const body = JSON.stringify({ method, arguments: args })
    const ask = (): Promise<Response | null> =>
      fetch(this.#url, { method: 'POST', body, headers: { 'X-Transmission-Session-Id': this.#sessionId } }).catch(
        () => null, // not listening yet
      )
    const reply = await until('transmission answers', async () => {
      if (!this.#program.alive) throw new Error(`transmission ended\n${this.#program.log}`)
      const response = await ask()
      if (response?.status !== 409) return response
      this.#sessionId = response.headers.get('x-transmission-session-id') ?? ''
      return null
    })
    const { result, arguments: answer } = (await reply.json()) as { result: string; arguments: Record<string, unknown> }
    if (result !== 'success') throw new Error(`transmission refused ${method}: ${result}`)
    return answer
  }

  async look(): Promise<TorrentView> {
    const { torrents } = await this.call('torrent-get', { fields: ['status', 'leftUntilDone', 'errorString'] })
    return (torrents as TorrentView[])[0]
  }
}
