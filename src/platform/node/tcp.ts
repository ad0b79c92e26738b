// TCP for the engine: listening and dialling with node:net.
import net from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { addressKey, isIpv6, parseIp, type Address } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, ConnectOptions, ListenOptions, TcpListener } from '../platform.ts'
import { toNetworkError } from './network-error.ts'
import { remoteAddress, TcpConnection, type Receiving } from './tcp-connection.ts'

/** What the accepted sockets of Node, and not of every other runtime, carry: the handle that the system's reads go through. */
interface SocketWithHandle {
  _handle: { readonly useUserBuffer?: unknown } | null
}

export async function listenTcp(
  options: ListenOptions,
  onConnection: (connection: Connection) => ConnectionHandler | null,
  receiving: Receiving = 'shared',
): Promise<TcpListener> {
  const ip = parseIp(options.ip)
  if (ip === null) throw new NetworkError('address_not_available', `Cannot listen on ${options.ip}: not an IP address`)
  const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
  server.on('connection', (socket) => accept(socket, onConnection, receiving))
  await new Promise<void>((resolve, reject) => {
    const what = `Cannot listen on ${addressKey({ kind: 'ip', ip, port: options.port })}`
    server.once('error', (error) => reject(toNetworkError(error, what)))
    server.listen({ host: ip, port: options.port, ipv6Only: isIpv6(ip) }, resolve)
  })
  // Later errors concern a single connection that could not be accepted (too many open files): the others go on.
  server.on('error', () => {})
  const { port } = server.address() as net.AddressInfo
  return {
    ip,
    port,
    close: () =>
      new Promise((resolve) => {
        // Node's own callback would wait for every open connection; the port is free as soon as the call returns.
        if (server.listening) server.close()
        setImmediate(resolve)
      }),
  }
}

export function connectTcp(
  remote: Address,
  options: ConnectOptions,
  handler: ConnectionHandler,
  receiving: Receiving = 'shared',
): Connection {
  if (options.tlsServer !== undefined) return connectTls(remote, options, options.tlsServer, handler, receiving)
  const socket = (onread?: net.OnReadOpts): net.Socket => {
    const socket = newSocket({ allowHalfOpen: true, onread })
    socket.setNoDelay(true)
    try {
      socket.connect({ host: remote.ip, port: remote.port, localAddress: options.localIp })
    } catch (error) {
      // Impossible values throw at once; the handler must hear of them later, as of any other failure.
      socket.destroy(error as Error)
    }
    return socket
  }
  const connection = new TcpConnection(remote, receiving, socket)
  connection.start(handler)
  return connection
}

/** TLS is loaded when it is first used: most programs never do. */
function connectTls(
  remote: Address,
  { localIp }: ConnectOptions,
  server: string,
  handler: ConnectionHandler,
  receiving: Receiving,
): Connection {
  const tls = process.getBuiltinModule('node:tls')
  const socket = (onread?: net.OnReadOpts): net.Socket => {
    const options = { host: remote.ip, port: remote.port, localAddress: localIp, allowHalfOpen: true, onread }
    const isIp = parseIp(server) !== null
    // An IP is no name of a server (RFC 6066), but the certificate must be that of the IP.
    const checkServerIdentity: ConnectionOptions['checkServerIdentity'] = (_, certificate) =>
      tls.checkServerIdentity(server, certificate)
    try {
      const socket = tls.connect({ ...options, servername: isIp ? '' : server, checkServerIdentity })
      socket.setNoDelay(true)
      return socket
    } catch (error) {
      // As with TCP: the handler must hear of it later.
      return new net.Socket().destroy(error as Error)
    }
  }
  const connection = new TcpConnection(remote, receiving, socket, 'secureConnect')
  connection.start(handler)
  return connection
}

function accept(
  socket: net.Socket,
  onConnection: (connection: Connection) => ConnectionHandler | null,
  receiving: Receiving,
): void {
  const remote = remoteAddress(socket)
  if (!remote) {
    socket.destroy()
    return
  }
  const way = receiving === 'shared' && canHandOver(socket) ? 'shared' : 'events'
  const connection = new TcpConnection(remote, way, (onread) => (onread ? handOver(socket, onread) : socket))
  let handler: ConnectionHandler | null = null
  try {
    handler = onConnection(connection)
  } catch {
    // Nobody handles this connection, so nobody can be told; the listener goes on.
  }
  if (handler) connection.start(handler)
  else connection.close()
}

function canHandOver(socket: net.Socket): boolean {
  const { _handle: handle } = socket as unknown as SocketWithHandle
  return typeof handle?.useUserBuffer === 'function'
}

/** Accepted sockets cannot be given `onread`; a second socket over the same handle can. */
function handOver(accepted: net.Socket, onread: net.OnReadOpts): net.Socket {
  const holder = accepted as unknown as SocketWithHandle
  const { _handle: handle } = holder
  holder._handle = null
  // Without this the server would count the emptied socket for ever.
  accepted.destroy()
  return newSocket({ handle, onread, allowHalfOpen: true })
}

/** Takes the two options that Node's types do not tell of. */
function newSocket(options: net.SocketConstructorOpts & { onread?: net.OnReadOpts; handle?: unknown }): net.Socket {
  return new net.Socket(options)
}
