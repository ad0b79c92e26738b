// A peer made for tests, on its own small piece of the wire protocol (BEP 3), apart from src/.
// It has the whole content, and behaves as it is told: `honest` here, the others in evil-peer.ts.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestTorrent } from './payload.ts'
import type { Stage } from './stage.ts'

export interface BlockRequest {
  readonly piece: number
  readonly begin: number
  readonly length: number
}

/** What a peer does at each turn of a conversation. Absent: what an honest one does. */
export interface Behaviour {
  /** The connection is open. Default: a handshake and a full bitfield. */
  open?(talk: Conversation): void
  /** The other side is interested. Default: it is unchoked. */
  interested?(talk: Conversation): void
  /** A block is asked for. Default: it is sent. */
  request?(talk: Conversation, block: BlockRequest): void
  /** The other side has said what it can do, in 8 reserved bytes. */
  handshake?(talk: Conversation, reserved: Buffer): void
  /** Any other message. Default: it is passed over. */
  message?(talk: Conversation, id: number, payload: Buffer): void
  closed?(talk: Conversation): void
}

export interface WirePeer {
  /** Where it listens: `127.0.0.1:port`. */
  readonly address: string
  /** Connections that were opened with it or by it. */
  readonly connections: number
  /** Requests that it received. */
  readonly requests: number
  /** Payload bytes that it sent. */
  readonly sent: number
  /** Dials a client, and talks to it as to one that dialled. */
  dial(address: string): void
}

/** Starts a peer on loopback that ends with the stage. */
export async function startPeer(stage: Stage, torrent: TestTorrent, behaviour: Behaviour = {}): Promise<WirePeer> {
  const talks = new Set<Conversation>()
  const counts = { connections: 0, requests: 0, sent: 0 }
  const converse = (socket: Socket): void => {
    counts.connections++
    const talk = new Conversation(socket, torrent, behaviour, counts)
    talks.add(talk)
    socket.on('close', () => talks.delete(talk))
  }
  const dial = (address: string): void => {
    const [host, port] = address.split(':')
    const socket = connect({ host, port: Number(port), noDelay: true })
    socket.on('error', () => {})
    socket.on('connect', () => converse(socket))
  }
  const server = createServer({ noDelay: true }, converse)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  stage.onEnd(() => {
    server.close()
    for (const talk of talks) talk.close()
  })
  return {
    address,
    dial,
    get connections() {
      return counts.connections
    },
    get requests() {
      return counts.requests
    },
    get sent() {
      return counts.sent
    },
  }
}

/** Serves blocks at no more than `bytesPerSecond`, in the order they were asked for, and forgets them when it chokes. */
export function honest(bytesPerSecond = Infinity): Behaviour {
  if (bytesPerSecond === Infinity) return {}
  const pacers = new Map<Conversation, { queue: BlockRequest[]; timer: NodeJS.Timeout }>()
  return {
    open(talk) {
      const queue: BlockRequest[] = []
      let last = performance.now()
      let allowance = 0
      const timer = setInterval(() => {
        const now = performance.now()
        // At most half a second is made up for, so that a pause is not followed by a flood.
        allowance = Math.min(allowance + ((now - last) / 1000) * bytesPerSecond, bytesPerSecond / 2 + 16_384)
        last = now
        while (queue.length > 0 && allowance >= queue[0].length) {
          allowance -= queue[0].length
          talk.sendBlock(queue.shift()!)
        }
      }, 10)
      pacers.set(talk, { queue, timer })
      talk.greet()
    },
    request(talk, block) {
      pacers.get(talk)!.queue.push(block)
    },
    closed(talk) {
      clearInterval(pacers.get(talk)?.timer)
    },
  }
}

export const Message = { choke: 0, unchoke: 1, interested: 2, have: 4, bitfield: 5, request: 6, piece: 7 } as const

export class Conversation {
  readonly socket: Socket
  readonly torrent: TestTorrent
  readonly #behaviour: Behaviour
  readonly #counts: { requests: number; sent: number }
  #received: Buffer = Buffer.alloc(0)
  #handshakeDone = false

  constructor(
    socket: Socket,
    torrent: TestTorrent,
    behaviour: Behaviour,
    counts: { requests: number; sent: number } = { requests: 0, sent: 0 },
  ) {
    this.socket = socket
    this.torrent = torrent
    this.#behaviour = behaviour
    this.#counts = counts
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => behaviour.closed?.(this))
    if (behaviour.open) behaviour.open(this)
    else this.greet()
  }

  get isOpen(): boolean {
    return !this.socket.destroyed
  }

  greet(): void {
    this.handshake()
    this.send(Message.bitfield, this.fullBitfield())
  }

  handshake(reserved: Buffer = Buffer.alloc(8)): void {
    // Its own port makes the peer id: each peer of a test is somebody else.
    const id = `-TS0001-${String(this.socket.localPort).padStart(6, '0')}${String(this.socket.remotePort).padStart(6, '0')}`
    const head = Buffer.concat([Buffer.from([19]), Buffer.from('BitTorrent protocol'), reserved])
    this.raw(Buffer.concat([head, this.torrent.infohash, Buffer.from(id)]))
  }

  fullBitfield(): Buffer {
    const { pieceCount } = this.torrent
    const bits = Buffer.alloc(Math.ceil(pieceCount / 8))
    for (let piece = 0; piece < pieceCount; piece++) bits[piece >> 3] |= 0x80 >> (piece & 7)
    return bits
  }

  /** The right bytes of a block. */
  content({ piece, begin, length }: BlockRequest): Buffer {
    return this.torrent.payload.read(piece * this.torrent.pieceLength + begin, length)
  }

  sendBlock(block: BlockRequest, content = this.content(block)): void {
    this.#counts.sent += content.length
    this.raw(pieceHead(block))
    this.raw(content)
  }

  send(id: number, payload: Uint8Array = Buffer.alloc(0)): void {
    const head = Buffer.alloc(5)
    head.writeUInt32BE(payload.length + 1)
    head[4] = id
    this.raw(Buffer.concat([head, payload]))
  }

  raw(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  close(): void {
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk
    if (!this.#handshakeDone) {
      if (this.#received.length < 68) return
      this.#behaviour.handshake?.(this, this.#received.subarray(20, 28))
      this.#received = this.#received.subarray(68)
      this.#handshakeDone = true
    }
    let at = 0
    while (at + 4 <= this.#received.length) {
      const length = this.#received.readUInt32BE(at)
      if (at + 4 + length > this.#received.length) break
      if (length > 0) this.#message(this.#received[at + 4], this.#received.subarray(at + 5, at + 4 + length))
      at += 4 + length
    }
    this.#received = this.#received.subarray(at)
  }

  #message(id: number, payload: Buffer): void {
    if (id === Message.interested) {
      if (this.#behaviour.interested) this.#behaviour.interested(this)
      else this.send(Message.unchoke)
    } else if (id === Message.request) {
      this.#counts.requests++
      const block = { piece: payload.readUInt32BE(0), begin: payload.readUInt32BE(4), length: payload.readUInt32BE(8) }
      if (this.#behaviour.request) this.#behaviour.request(this, block)
      else this.sendBlock(block)
    } else this.#behaviour.message?.(this, id, payload)
  }
}

/** The 13 bytes before a block's content. */
export function pieceHead({ piece, begin, length }: BlockRequest): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(9 + length)
  head[4] = Message.piece
  head.writeUInt32BE(piece, 5)
  head.writeUInt32BE(begin, 9)
  return head
}
