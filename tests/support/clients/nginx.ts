// nginx, Debian's: a real web server on loopback, with all it writes in a folder of the test.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from '../program.ts'
import { freePort, listening } from '../ports.ts'
import type { Stage } from '../stage.ts'
import { versionOf } from './version.ts'

export interface NginxTask {
  readonly stage: Stage
  /** What it serves, from `/` on. */
  readonly folder: string
  /** Bytes per second of each connection; 0 (the default) is no limit. */
  readonly rate?: number
  /** Serve https with this certificate and its key. */
  readonly tls?: { readonly certificate: string; readonly key: string }
}

export interface RunningNginx {
  readonly program: Program
  /** `http://127.0.0.1:port/` */
  readonly url: string
  /** One line a request: path, status, bytes sent. */
  readonly accessLog: string
}

export const nginx = {
  name: 'nginx',
  found: () => versionOf(['nginx', '-v'], /\d+\.\d+\.\d+/),

  async start({ stage, folder, rate = 0, tls }: NginxTask): Promise<RunningNginx> {
    const own = stage.folder('nginx')
    const port = await freePort()
    const accessLog = join(own, 'access.log')
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const lines = [
      'worker_processes 1;',
      `pid ${join(own, 'nginx.pid')};`,
      `error_log ${join(own, 'error.log')};`,
      // Started by root it would serve as somebody else, who may not read the folders of tests.
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'events { worker_connections 256; }',
      'http {',
      ...kinds.map((kind) => `  ${kind}_temp_path ${join(own, kind)};`),
      "  log_format plain '$uri $status $body_bytes_sent';",
      `  access_log ${accessLog} plain;`,
      '  sendfile on;',
      '  default_type application/octet-stream;',
      '  server {',
      `    listen 127.0.0.1:${port}${tls ? ' ssl' : ''};`,
      ...(tls ? [`    ssl_certificate ${tls.certificate};`, `    ssl_certificate_key ${tls.key};`] : []),
      `    root ${folder};`,
      ...(rate > 0 ? [`    limit_rate ${rate};`] : []),
      '  }',
      '}',
    ]
    const settings = join(own, 'nginx.conf')
    writeFileSync(settings, `${lines.join('\n')}\n`)
    const program = stage.start('nginx', ['nginx', '-p', own, '-c', settings, '-g', 'daemon off;'])
    await listening(program, port)
    return { program, url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`, accessLog }
  },
}
