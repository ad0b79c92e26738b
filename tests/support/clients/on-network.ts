// Real clients that serve one torrent in a network of the test's own (`NetSpace`), where nobody but the way under test tells of
// them: the DHT, or local discovery.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Program } from '../program.ts'
import type { Stage } from '../stage.ts'
import { python } from './libtorrent.ts'

export interface NetworkTask {
  readonly stage: Stage
  /** What to put before the command, so that it runs in that network. */
  readonly where: readonly string[]
  readonly ip: string
  readonly port: number
  readonly torrent: string
  /** Holds the content. */
  readonly folder: string
  /** Where it enters the DHT; null: it tells the local network instead. */
  readonly router: { readonly ip: string; readonly port: number } | null
}

const LIBTORRENT = fileURLToPath(new URL('libtorrent-on-network.py', import.meta.url))

/** By name of the client. */
export const STARTS: Readonly<Record<string, (task: NetworkTask) => Program>> = {
  libtorrent: ({ stage, where, ip, port, torrent, folder }) => {
    const argv = [python, LIBTORRENT, torrent, folder, ip, String(port)]
    return stage.start('libtorrent', [...where, ...argv], { env: { PYTHONUNBUFFERED: '1' } })
  },

  transmission: ({ stage, where, ip, port, torrent, folder, router }) => {
    const config = stage.folder('transmission')
    const watched = join(config, 'watched')
    mkdirSync(watched, { recursive: true })
    writeFileSync(join(watched, 'content.torrent'), readFileSync(torrent))
    if (router) writeFileSync(join(config, 'dht.bootstrap'), `${router.ip} ${router.port}\n`)
    const settings = {
      'bind-address-ipv4': ip,
      'peer-port': port,
      'rpc-bind-address': '127.0.0.1',
      'download-dir': folder,
      'watch-dir': watched,
      'watch-dir-enabled': true,
      'dht-enabled': router !== null,
      'lpd-enabled': router === null,
      'pex-enabled': false,
      'utp-enabled': false,
      'port-forwarding-enabled': false,
      encryption: 0,
    }
    writeFileSync(join(config, 'settings.json'), JSON.stringify(settings))
    return stage.start('transmission', [...where, 'transmission-daemon', '-f', '-g', config])
  },

  aria2: ({ stage, where, ip, port, torrent, folder, router }) => {
    const dht = [
      '--enable-dht=true',
      `--dht-entry-point=${router?.ip}:${router?.port}`,
      `--dht-listen-port=${port}`,
      `--dht-file-path=${join(stage.folder('aria2'), 'dht.dat')}`,
    ]
    const argv = [
      'aria2c',
      '--no-conf',
      `--dir=${folder}`,
      `--listen-port=${port}`,
      `--interface=${ip}`,
      '--enable-dht6=false',
      '--enable-peer-exchange=false',
      '--seed-ratio=0.0',
      '--bt-seed-unverified=true',
      '--show-console-readout=false',
      ...(router ? dht : ['--enable-dht=false', '--bt-enable-lpd=true', `--bt-lpd-interface=${ip}`]),
      torrent,
    ]
    return stage.start('aria2', [...where, ...argv])
  },

  rtorrent: ({ stage, where, ip, port, torrent, folder, router }) => {
    const scratch = stage.folder('rtorrent')
    const session = join(scratch, 'session')
    mkdirSync(session)
    const commands = [
      'system.daemon.set = true',
      `session.path.set = ${session}`,
      `directory.default.set = ${folder}`,
      `network.bind_address.set = ${ip}`,
      `network.local_address.set = ${ip}`,
      `network.port_range.set = ${port}-${port}`,
      'network.port_random.set = no',
      'dht.mode.set = on',
      `dht.port.set = ${port}`,
      'protocol.pex.set = no',
      `schedule2 = load, 0, 0, "load.start=${torrent}"`,
      ...(router ? [`schedule2 = enter, 1, 5, "dht.add_node=${router.ip}:${router.port}"`] : []),
    ]
    const settings = join(scratch, 'rtorrent.rc')
    writeFileSync(settings, `${commands.join('\n')}\n`)
    return stage.start('rtorrent', [...where, 'rtorrent', '-n', '-o', `import=${settings}`])
  },
}
