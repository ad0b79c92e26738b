// A web server on loopback that misbehaves as a test tells it to; what the test leaves alone is answered as it should be.
import { createReadStream, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Stage } from './stage.ts'

export interface WebServer {
  /** `http://127.0.0.1:port/` */
  readonly url: string
  /** What was asked for so far: target and range. */
  readonly requests: readonly string[]
}

/** Answers a request, or returns false: it is answered as it should be. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean

/** @param folder what it serves, from `/` on */
export async function startWebServer(stage: Stage, folder: string, misbehave: Misbehaviour): Promise<WebServer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? 'all'}`)
    if (!misbehave(request, response)) serve(join(folder, decodeURIComponent(request.url!)), request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests }
}

function serve(path: string, request: IncomingMessage, response: ServerResponse): void {
  const { start, end, size } = partOf(path, request)
  const headers = { 'Content-Length': end - start + 1, 'Content-Range': `bytes ${start}-${end}/${size}` }
  response.writeHead(206, headers)
  createReadStream(path, { start, end }).pipe(response)
}

/** First and last byte that are asked for. */
export function partOf(path: string, request: IncomingMessage): { start: number; end: number; size: number } {
  const { size } = statSync(path)
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  return match ? { start: Number(match[1]), end: Number(match[2]), size } : { start: 0, end: size - 1, size }
}
