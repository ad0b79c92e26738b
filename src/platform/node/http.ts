// One HTTP or HTTPS GET over node:http. It trusts nothing of the answer: time, size of the head, size of the body before and
// after decompression are all bounded, and one time limit covers the whole exchange, however slowly bytes drip in.
// It does not follow redirects, keep connections, or know of cookies and proxies. Node's modules are loaded on first use.
import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIpv6 } from '../../base/address.ts'
import { concatBytes } from '../../base/bytes.ts'
import { NetworkError } from '../../base/errors.ts'
import type { HttpRequest, HttpResponse } from '../platform.ts'
import { toNetworkError } from './network-error.ts'

const MAX_HEAD_BYTES = 16 * 1024

/**
 * Rejects with NetworkError: `timed_out`, `aborted`, `response_too_large`, `bad_encoding` (damaged or unknown compression),
 * `unsupported_url` (neither http nor https), `bad_response` (not HTTP), or the system's code in lower case.
 */
export async function httpGet(request: HttpRequest): Promise<HttpResponse> {
  const url = parseUrl(request.url)
  // What is logged and shown names the place asked, not the query: that may hold a passkey.
  const what = `Cannot get ${url.origin}${url.pathname}`
  const { request: open } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  if (request.signal?.aborted) throw new NetworkError('aborted', `${what}: aborted`)

  return new Promise<HttpResponse>((resolve, reject) => {
    const outgoing: ClientRequest = open(requestOptions(request, url))
    const settle = (): void => {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: Error): void => {
      settle()
      reject(error)
      outgoing.destroy()
    }
    const onAbort = (): void => fail(new NetworkError('aborted', `${what}: aborted`))
    const onTimeout = (): void =>
      fail(new NetworkError('timed_out', `${what}: no complete answer within ${request.timeoutMs} ms`))
    const timer = setTimeout(onTimeout, request.timeoutMs)
    request.signal?.addEventListener('abort', onAbort)

    outgoing.on('error', (error) => fail(describe(error, what)))
    outgoing.on('response', (incoming) => {
      readBody(incoming, request.maxBytes, what).then((body) => {
        settle()
        resolve({ status: incoming.statusCode ?? 0, headers: plainHeaders(incoming), body })
        outgoing.destroy()
      }, fail)
    })
    outgoing.end()
  })
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (isHttp && credentials(url) !== null) return url
  throw new NetworkError('unsupported_url', `Cannot get ${text}: not an http or https URL`)
}

/** What goes before the @ of a URL, '' when there is nothing, null when its percent signs make no sense. */
function credentials(url: URL): string | null {
  if (url.username === '' && url.password === '') return ''
  try {
    return `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  } catch {
    return null
  }
}

function requestOptions(request: HttpRequest, url: URL): Record<string, unknown> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const { localIp } = request
  return {
    host: request.remoteIp ?? host,
    port: url.port === '' ? undefined : Number(url.port),
    path: `${url.pathname}${url.search}`,
    // The certificate must be that of the name, also where the IP is given. (An IP is no server name: RFC 6066.)
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
    localAddress: localIp,
    family: localIp === undefined ? undefined : isIpv6(localIp) ? 6 : 4,
    auth: credentials(url) || undefined,
    headers: { Host: url.host, 'Accept-Encoding': 'gzip, deflate', ...request.headers },
    maxHeaderSize: MAX_HEAD_BYTES,
    agent: false, // a connection of its own, closed after the answer
  }
}

/** The body, decompressed, of at most `maxBytes`. */
async function readBody(incoming: IncomingMessage, maxBytes: number, what: string): Promise<Uint8Array> {
  const tooLarge = (): NetworkError =>
    new NetworkError('response_too_large', `${what}: the answer is larger than ${maxBytes} bytes`)
  const encoding = (incoming.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  const parts: Uint8Array[] = []
  let received = 0
  try {
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
      received += chunk.length
      // Compression only makes things smaller here: what is too large already needs no decompression.
      if (received > maxBytes) throw tooLarge()
      parts.push(chunk)
    }
  } catch (error) {
    throw describe(error, what)
  }
  const body = concatBytes(parts)
  if (encoding === 'identity' || body.length === 0) return body
  return decompress(body, encoding, maxBytes, what, tooLarge)
}

async function decompress(
  body: Uint8Array,
  encoding: string,
  maxBytes: number,
  what: string,
  tooLarge: () => NetworkError,
): Promise<Uint8Array> {
  const { gunzip, inflate, inflateRaw } = await import('node:zlib')
  // "deflate" means the zlib format, but some servers send the bare one. A zlib stream begins with method 8.
  const unpack =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? gunzip
      : encoding !== 'deflate'
        ? null
        : (body[0] & 0x0f) === 8
          ? inflate
          : inflateRaw
  if (unpack === null)
    throw new NetworkError('bad_encoding', `${what}: unknown content encoding ${encoding.slice(0, 40)}`)
  return new Promise((resolve, reject) => {
    // zlib stops by itself at the limit, so a bomb never gets to unfold.
    unpack(body, { maxOutputLength: Math.max(1, maxBytes) }, (error, result) => {
      if (error === null) resolve(new Uint8Array(result.buffer, result.byteOffset, result.length))
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') reject(tooLarge())
      else reject(new NetworkError('bad_encoding', `${what}: damaged ${encoding} data (${error.message})`))
    })
  })
}

function plainHeaders(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, values] of Object.entries(incoming.headersDistinct)) headers[name] = (values ?? []).join(', ')
  return headers
}

function describe(error: unknown, what: string): NetworkError {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  // The parser of HTTP has codes of its own: the answer was something else than HTTP, or its head too long.
  if (code.startsWith('HPE_')) return new NetworkError('bad_response', `${what}: the answer is not HTTP (${code})`)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new NetworkError('name_not_found', `${what}: the name is not known (${code})`)
  return toNetworkError(error, what)
}
