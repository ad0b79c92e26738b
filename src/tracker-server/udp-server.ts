// The UDP side of the tracker: one socket, and the answers on their way out of it.
import { createSocket, type Socket } from 'node:dgram'
import { isIpv6 } from '../base/address.ts'
import type { Log } from '../base/log.ts'
import { listenError, type Listener, type Place } from './listeners.ts'

/** Bytes that the system holds while the tracker is busy: some thousand announces. */
const RECEIVE_BUFFER = 4 * 1024 ** 2
/** Answers that wait because the system takes no more; beyond, answers are lost, as datagrams may be. */
const MAX_QUEUED = 256

export interface UdpServerOptions extends Place {
  readonly log: Log
  /** What to send back, valid until the next call, or null. */
  answer(datagram: Uint8Array, senderIp: string): Uint8Array | null
  /** The last answer is still in use: the next one must be in another buffer. */
  onBufferKept(): void
}

export class UdpServer implements Listener {
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Rejects with NetworkError `address_in_use`, `address_not_available` or the system's code in lower case. */
  static async listen(options: UdpServerOptions): Promise<UdpServer> {
    const { ip, port, log } = options
    const socket = createSocket({
      type: isIpv6(ip) ? 'udp6' : 'udp4',
      ipv6Only: isIpv6(ip),
      // Answers go where requests came from: there is no name to look up, and no turn of the event loop to wait for it.
      lookup: (host, { family }, callback) => callback(null, host, Number(family)),
    })
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        socket.close()
        reject(listenError(error, ip, port))
      }
      socket.once('error', onError)
      socket.bind({ address: ip, port, exclusive: true }, () => {
        socket.off('error', onError)
        resolve()
      })
    })
    // Of single answers that the system does not send. Whom strangers name as senders is theirs to choose: no matter for a log that is kept.
    socket.on('error', (error) => log({ level: 'debug', scope: 'tracker', message: `UDP socket: ${error.message}` }))
    let queued = 0
    socket.on('message', (datagram, sender) => {
      // It cannot be answered.
      if (sender.port === 0) return
      try {
        if (queued > 0) queued = socket.getSendQueueCount()
        if (queued > MAX_QUEUED) return
        const answer = options.answer(datagram, sender.address)
        if (answer === null) return
        socket.send(answer, sender.port, sender.address)
        // Mostly the system has taken it at once.
        queued = socket.getSendQueueCount()
        if (queued > 0) options.onBufferKept()
      } catch (error) {
        log({ level: 'error', scope: 'tracker', message: `Cannot answer ${sender.address}: ${String(error)}` })
      }
    })
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER)
    } catch (error) {
      log({ level: 'debug', scope: 'tracker', message: `Small receive buffer: ${String(error)}` })
    }
    return new UdpServer(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}
