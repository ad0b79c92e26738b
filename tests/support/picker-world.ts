// The world of the picker's tests, drawn: peers and pieces as rows of characters.
import { randomSource } from './random.ts'
import { Bitfield } from '../../src/base/bitfield.ts'
import { PiecePicker } from '../../src/engine/policy/piece-picker.ts'

/** Every piece has as many blocks. A block is written `piece.index`. */
export const BLOCKS = 2

export class Peer {
  readonly have: Bitfield
  readonly asked = new Set<number>()
  /** Milliseconds that it takes for a block. */
  readonly blockMs: number

  /** @param picture one character a piece: `*` where it has it */
  constructor(picture: string, blockMs = Infinity) {
    this.have = bits(picture)
    this.blockMs = blockMs
  }

  etaMs(blocks: number): number {
    return this.blockMs === Infinity ? Infinity : (this.asked.size + blocks) * this.blockMs
  }
}

export interface Asking {
  readonly room?: number
  readonly endgame?: number
  readonly only?: ReadonlySet<number>
  /** For so many blocks there is memory. */
  readonly memory?: number
  /** For these there is none. */
  readonly without?: readonly string[]
  readonly suggested?: ReadonlySet<number>
  readonly now?: number
  readonly nextInRun?: number
}

/**
 * A swarm seen by us.
 * @param availability one character a piece: how many peers have it, or `*` for a piece that we have ourselves
 */
export function picker({ availability, seed = 1 }: { availability: string; seed?: number }) {
  const random = randomSource(seed)
  const geometry = {
    pieceCount: availability.length,
    blockCount: () => BLOCKS,
    firstBlock: (piece: number) => piece * BLOCKS,
    pieceOfBlock: (block: number) => Math.floor(block / BLOCKS),
  }
  const picker = new PiecePicker<Peer>(
    geometry,
    (limit) => random.below(limit),
    (peer, blocks) => peer.etaMs(blocks),
  )
  for (let level = 0; level < 9; level++) {
    const has = Array.from(availability, (count) => (count !== '*' && Number(count) > level ? '*' : ' ')).join('')
    if (has.trim() !== '') picker.peerHas(bits(has))
  }
  for (const [piece, count] of Array.from(availability).entries()) if (count === '*') picker.setDone(piece)
  const number = (block: string): number => {
    const [piece, index] = block.split('.').map(Number)
    return piece * BLOCKS + index
  }
  return {
    picker,
    /** What the peer is asked for: `3.0 3.1`. */
    pick(peer: Peer, { room = 1, endgame = 0, only, memory = Infinity, without = [], ...rest }: Asking = {}): string {
      let left = memory
      const blocks = picker.pick({
        peer,
        have: peer.have,
        room,
        endgameRoom: endgame,
        only: only ?? null,
        ...rest,
        hasAsked: (block) => peer.asked.has(block),
        reserve: (block) => !without.map(number).includes(block) && left-- > 0,
        blocksPerReserve: 1,
      })
      for (const block of blocks) peer.asked.add(block)
      return blocks.map((block) => `${Math.floor(block / BLOCKS)}.${block % BLOCKS}`).join(' ')
    },
    /** The peer sends a block. Returns how many others need not. */
    send(peer: Peer, block: string): number {
      return picker.blockArrived(number(block), peer.asked.delete(number(block)))
    },
    /** The peer will not send a block. */
    lose(peer: Peer, block: string): void {
      peer.asked.delete(number(block))
      picker.requestLost(number(block), peer)
    },
    /** The peer leaves or chokes us. */
    leave(peer: Peer): void {
      for (const block of peer.asked) picker.requestLost(block, peer)
      peer.asked.clear()
      picker.disown(peer)
    },
  }
}

function bits(picture: string): Bitfield {
  const have = new Bitfield(picture.length)
  for (const [piece, mark] of Array.from(picture).entries()) if (mark === '*') have.set(piece)
  return have
}
