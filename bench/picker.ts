// What the piece picker costs in a large swarm: 500,000 pieces of 16 blocks, 200 peers. Run: npx tsx bench/picker.ts
// Figures are microseconds per call: the mean of all calls of a kind, median, 99th percentile and the slowest one (which has
// the collection of garbage in it). The goal: under 5 for each `have` and each pick. What concerns all pieces at once, such as
// a peer that tells all that it has, is shown in milliseconds.
import { performance } from 'node:perf_hooks'
import { Bitfield } from '../src/base/bitfield.ts'
import { PiecePicker } from '../src/engine/policy/piece-picker.ts'

const PIECES = 500_000
const BLOCKS = 16
const PEERS = 200

interface Peer {
  readonly have: Bitfield
  readonly asked: number[]
}

let state = 1
function below(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * limit)
}

const geometry = {
  pieceCount: PIECES,
  blockCount: () => BLOCKS,
  firstBlock: (piece: number) => piece * BLOCKS,
  pieceOfBlock: (block: number) => Math.floor(block / BLOCKS),
}

class Swarm {
  readonly picker = new PiecePicker<Peer>(geometry, below)
  readonly peers: Peer[]
  readonly #lefts = new Map<number, number>()

  /** @param share how much of the torrent each peer has; `from` and `to` bound the pieces that it may have */
  constructor(share: number, from = 0, to = PIECES) {
    this.peers = Array.from({ length: PEERS }, () => {
      const have = new Bitfield(PIECES)
      for (let piece = from; piece < to; piece++) if (below(1000) < share * 1000) have.set(piece)
      return { have, asked: [] }
    })
    for (const { have } of this.peers) this.picker.peerHas(have)
  }

  pick(peer: Peer, room: number): number {
    const blocks = this.picker.pick({
      peer,
      have: peer.have,
      room,
      endgameRoom: 0,
      only: null,
      hasAsked: () => false,
      reserve: () => true,
      blocksPerReserve: 64,
    })
    peer.asked.push(...blocks)
    return blocks.length
  }

  /** The peer delivers its oldest blocks. */
  deliver(peer: Peer, count: number): void {
    for (const block of peer.asked.splice(0, count)) {
      this.picker.blockArrived(block, true)
      const piece = Math.floor(block / BLOCKS)
      const left = (this.#lefts.get(piece) ?? BLOCKS) - 1
      this.#lefts.set(piece, left)
      if (left === 0) this.picker.setDone(piece)
    }
  }
}

/** Runs `work` so many times and says what one call took. */
function measure(title: string, times: number, work: (turn: number) => void): void {
  for (let turn = 0; turn < Math.min(times, 2000); turn++) work(turn)
  const each = new Float64Array(times)
  for (let turn = 0; turn < times; turn++) {
    const before = performance.now()
    work(turn)
    each[turn] = (performance.now() - before) * 1000
  }
  const mean = each.reduce((sum, one) => sum + one, 0) / times
  const sorted = each.toSorted()
  const figures = [mean, sorted[times >> 1], sorted[Math.floor(times * 0.99)], sorted[times - 1]]
  console.log(title.padEnd(60) + figures.map((figure) => figure.toFixed(2).padStart(9)).join(''))
}

/** What happens once for each peer. */
function measureOnce(title: string, work: () => void): void {
  const start = performance.now()
  work()
  console.log(`${title.padEnd(60)} ${(performance.now() - start).toFixed(1).padStart(8)} ms`)
}

/** Each peer keeps 64 blocks under way, and asks for as many as have come. */
function steady(title: string, swarm: Swarm, perCall: number): void {
  for (const peer of swarm.peers) swarm.pick(peer, 64)
  measure(title, 20_000, (turn) => {
    const peer = swarm.peers[turn % PEERS]
    swarm.deliver(peer, perCall)
    swarm.pick(peer, perCall)
  })
}

console.log(`${'microseconds'.padEnd(60)}     mean   median     99 %  slowest`)
const seeds = new Swarm(1)
steady('seeds: 1 block arrives, 1 is picked', seeds, 1)
steady('seeds: 16 blocks arrive, 16 are picked', seeds, 16)
steady('peers with half: 1 block arrives, 1 is picked', new Swarm(0.5), 1)
steady('peers with 1 %: 16 blocks arrive, 16 are picked', new Swarm(0.01), 16)

const leechers = new Swarm(0.3)
measure('have', 200_000, (turn) => {
  const { have } = leechers.peers[turn % PEERS]
  const piece = below(PIECES)
  if (have.has(piece)) return
  have.set(piece)
  leechers.picker.peerHasPiece(piece, have)
})

// All that is rare is at a seed: the others' pieces stand at the far end of the order.
const lopsided = new Swarm(0.9, 400_000)
lopsided.picker.peerHas(Bitfield.full(PIECES))
steady('peers without what is rare: 16 blocks arrive, 16 are picked', lopsided, 16)

const idle = new Swarm(0.5, 0, 1000)
for (let piece = 0; piece < 1000; piece++) idle.picker.setDone(piece)
measure('peers with nothing for us: a pick', 20_000, (turn) => void idle.pick(idle.peers[turn % PEERS], 16))
let next = 1000
measure('peers with nothing for us: a have of what we have, a pick', 20_000, (turn) => {
  const peer = idle.peers[turn % PEERS]
  idle.picker.setDone(next)
  peer.have.set(next)
  idle.picker.peerHasPiece(next++, peer.have)
  idle.pick(peer, 16)
})

const coming = new Swarm(0.5)
const [newcomer, seed] = [coming.peers[0].have, Bitfield.full(PIECES)]
const missing = Bitfield.full(PIECES)
for (let i = 0; i < 5; i++) {
  coming.picker.peerGone(newcomer)
  coming.picker.peerHas(newcomer)
}
measureOnce('a peer leaves that has half', () => coming.picker.peerGone(newcomer))
measureOnce('a peer comes that has half', () => coming.picker.peerHas(newcomer))
measureOnce('a seed comes', () => coming.picker.peerHas(seed))
measureOnce('how many of its pieces are wanted', () => void missing.countCommon(newcomer))
