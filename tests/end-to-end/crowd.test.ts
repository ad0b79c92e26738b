// Large pieces and fifty peers that choke, leave and come back as they like: many pieces are begun and few can be
// finished, which is where memory grows or a download stands still. Both are looked at.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { flighty } from '../support/evil-peer.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import type { Program } from '../support/program.ts'
import { download, peers } from '../support/shoal.ts'
import { openStage } from '../support/stage.ts'
import { startPeer, type WirePeer } from '../support/wire-peer.ts'

const MIB = 1 << 20
const CROWD = 50
/** 64 MiB of slots, 32 MiB of frames, and what Node and the program itself need. */
const MEMORY_BUDGET_MIB = 64 + 32 + 120

describe('fifty peers that choke and leave at random', () => {
  const cases = [
    [16, 400],
    [256, 600],
  ] as const
  test.for(cases)('pieces of %i MiB: completes, and memory keeps its budget', async ([pieceMib, mib], context) => {
    const stage = openStage(context)
    const payload = Payload.file('crowd', mib * MIB + 77)
    const torrent = makeTorrent(payload, pieceMib * MIB)
    let home: string | null = null
    stage.onEnd(() => {
      home = null
    })
    const crowd: WirePeer[] = []
    for (let i = 0; i < CROWD; i++) {
      const dial = (address: string): void => crowd[i].dial(address)
      crowd.push(
        await startPeer(
          stage,
          torrent,
          flighty(i, () => home, dial),
        ),
      )
    }
    const folder = stage.folder('downloaded')
    const addresses = crowd.map(({ address }) => address)
    const shoal = download(stage, stage.torrentFile(torrent), folder, ...peers(addresses))
    home = await shoal.address()
    const peak = watchMemory(shoal.program)
    await shoal.finished(170_000)

    expect(payload.differences(folder)).toEqual([])
    expect(peak.mib, 'MiB of memory').toBeLessThan(MEMORY_BUDGET_MIB)
    // That they left with requests unanswered may be told; of anything worse nobody is guilty.
    expect(shoal.all('peer_dropped').filter(({ reason }) => reason !== 'left')).toEqual([])
    expect(crowd.filter(({ connections }) => connections > 1).length, 'peers left and came back').toBeGreaterThan(10)
  })
})

/** The largest resident size of a program so far, as the kernel keeps it; 0 where the kernel does not tell. */
function watchMemory(program: Program): { readonly mib: number } {
  const peak = { mib: 0 }
  const look = (): void => {
    try {
      const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))
      if (match) peak.mib = Number(match[1]) / 1024
    } catch {
      // The program has ended, or this is no Linux.
    }
  }
  const timer = setInterval(look, 100)
  void program.exited.then(() => clearInterval(timer))
  return peak
}
