// Peers that do what no peer should. Each is a behaviour for `startPeer`.
import { randomSource } from './random.ts'
import { Message, pieceHead, type Behaviour, type BlockRequest, type Conversation } from './wire-peer.ts'

/** Answers the dial with noise in place of a handshake. */
export const babbler: Behaviour = {
  open: (talk) => talk.raw(noise(4096)),
}

/** Shakes hands, and sends noise from then on. */
export const garbler: Behaviour = {
  open(talk) {
    talk.handshake()
    talk.raw(noise(64 * 1024))
  },
}

/** Its bitfield has one byte too many. */
export const longBitfield: Behaviour = {
  open(talk) {
    talk.handshake()
    talk.send(Message.bitfield, Buffer.concat([talk.fullBitfield(), Buffer.alloc(1)]))
  },
}

/** Its bitfield claims pieces beyond the last one. The torrent's number of pieces must not be a multiple of 8. */
export const overfullBitfield: Behaviour = {
  open(talk) {
    talk.handshake()
    talk.send(Message.bitfield, talk.fullBitfield().fill(0xff))
  },
}

/** Says that it has a piece that there is not. */
export const impossibleHave: Behaviour = {
  open(talk) {
    talk.greet()
    const piece = Buffer.alloc(4)
    piece.writeUInt32BE(talk.torrent.pieceCount)
    talk.send(Message.have, piece)
  },
}

/** Claims every piece, welcomes everybody, and serves nothing. */
export const liar: Behaviour = {
  request: () => {},
}

/** Takes the connection and never says a word. */
export const mute: Behaviour = {
  open: () => {},
  interested: () => {},
  request: () => {},
}

/** Claims every piece and never unchokes. */
export const miser: Behaviour = {
  interested: () => {},
}

/** Serves wrong bytes in one block of `every`, the first one included. */
export function corrupter(every: number): Behaviour {
  let count = 0
  return {
    request(talk, block) {
      const content = talk.content(block)
      if (count++ % every === 0) content[content.length >> 1] ^= 0xff
      talk.sendBlock(block, content)
    },
  }
}

/** Answers each request in order, at one byte a second. */
export function dripper(): Behaviour {
  const timers = new Map<Conversation, NodeJS.Timeout>()
  return {
    request(talk, block) {
      if (timers.has(talk)) return
      const bytes = Buffer.concat([pieceHead(block), talk.content(block)])
      let at = 0
      timers.set(
        talk,
        setInterval(() => talk.raw(bytes.subarray(at, ++at)), 1000),
      )
    },
    closed: (talk) => clearInterval(timers.get(talk)),
  }
}

/**
 * Serves well, but chokes, leaves and comes back when it likes: after some blocks it chokes and forgets what it was
 * asked for, or closes and dials `home` a little later. One of a crowd; `seed` makes it differ from the others.
 */
export function flighty(seed: number, home: () => string | null, dial: (address: string) => void): Behaviour {
  const random = randomSource(seed)
  const left = new Map<Conversation, { blocks: number; choking: boolean }>()
  const settle = (talk: Conversation): void => {
    left.set(talk, { blocks: 1 + random.below(120), choking: false })
    talk.send(Message.unchoke)
  }
  return {
    interested: settle,
    request(talk, block: BlockRequest) {
      const state = left.get(talk)
      if (!state || state.choking) return
      talk.sendBlock(block)
      if (--state.blocks > 0) return
      if (random.below(4) === 0) {
        talk.close()
        return
      }
      state.choking = true
      talk.send(Message.choke)
      setTimeout(() => talk.isOpen && settle(talk), 10 + random.below(300)).unref()
    },
    closed(talk) {
      left.delete(talk)
      setTimeout(
        () => {
          const address = home()
          if (address !== null) dial(address)
        },
        50 + random.below(500),
      ).unref()
    },
  }
}

/** Bytes that begin like no message: as a length they are far beyond any bound. */
function noise(length: number): Buffer {
  const random = randomSource(7)
  const bytes = Buffer.from(Array.from({ length }, () => random.below(256)))
  bytes[0] = 0xfe
  return bytes
}
