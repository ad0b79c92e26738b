import { expect, test } from 'vitest'
import type { TorrentStats } from '../../../index.ts'
import { displayWidth } from './display-width.ts'
import { describeProgress, renderProgress, type Preparation } from './progress-view.ts'
import { plainStyle } from './style.ts'

const MIB = 1024 ** 2

function view(stats: Partial<TorrentStats>, checking: Preparation | null = null) {
  const all: TorrentStats = {
    state: 'downloading',
    downloaded: 0,
    uploaded: 0,
    left: 64 * MIB,
    wanted: 128 * MIB,
    total: 128 * MIB,
    downRate: 8 * MIB,
    upRate: 0,
    peers: 5,
    webSeeds: 0,
    piecesHave: 2,
    pieces: 4,
    ...stats,
  }
  const pieceStates = new Uint8Array(all.pieces).fill(2, 0, all.piecesHave)
  return { name: 'debian.iso', stats: all, pieceStates, checking, slowness: null }
}

test('a download shows name, state, bar, figures and pieces', () => {
  expect(renderProgress(view({}), 70, plainStyle())).toEqual([
    'debian.iso                                                 downloading',
    '███████████████████████████████▌░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 50.0 %',
    '64.0 MiB of 128 MiB · 8.00 MiB/s down · 8 s left · 5 peers',
    '██··',
  ])
})

test('web seeds are counted beside peers, and are no reason to look for peers', () => {
  const lines = renderProgress(view({ peers: 0, webSeeds: 1 }), 80, plainStyle())
  expect(lines[0]).toMatch(/ downloading$/)
  expect(lines[2]).toMatch(/ · 0 peers \+ 1 web seed$/)
})

test('ASCII terminals get ASCII', () => {
  const text = renderProgress(view({ uploaded: MIB }), 60, plainStyle(false)).join('')
  expect(text).toMatch(/^[\u0020-\u007e]*$/)
})

test('the less important figures leave when the terminal is narrow, and no line is ever too long', () => {
  const wide = renderProgress(view({ uploaded: 6.4 * MIB, upRate: MIB }), 120, plainStyle())[2]
  expect(wide).toContain('6.40 MiB given, ratio 0.05')
  const narrow = renderProgress(view({ uploaded: 6.4 * MIB, upRate: MIB }), 45, plainStyle())[2]
  expect(narrow).toBe('64.0 MiB of 128 MiB · 8.00 MiB/s down')
  for (let columns = 1; columns < 120; columns++) {
    for (const line of renderProgress(view({ uploaded: MIB }), columns, plainStyle())) {
      expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(columns, 8))
    }
  }
})

test('without data arriving there is no time to tell', () => {
  expect(renderProgress(view({ downRate: 0 }), 80, plainStyle())[2]).toContain('waiting for data')
})

test('without a peer it says that it looks for some', () => {
  expect(renderProgress(view({ peers: 0 }), 80, plainStyle())[0]).toMatch(/looking for peers$/)
})

test('while data on disk is verified, the bar shows how far that is', () => {
  const lines = renderProgress(view({ state: 'checking' }, { done: 16 * MIB, total: 64 * MIB }), 40, plainStyle())
  expect(lines.slice(0, 3)).toEqual([
    'debian.iso                      checking',
    '████████▎░░░░░░░░░░░░░░░░░░░░░░░░ 25.0 %',
    '16.0 MiB of 64.0 MiB of data on disk',
  ])
})

test('a seed shows what it gives', () => {
  const stats = { state: 'seeding' as const, left: 0, piecesHave: 4, uploaded: 256 * MIB, upRate: 2 * MIB }
  expect(renderProgress(view(stats), 80, plainStyle())).toEqual([
    `debian.iso${' '.repeat(63)}seeding`,
    `${'█'.repeat(73)}  100 %`,
    '2.00 MiB/s up · 5 peers · 256 MiB given, ratio 2.00',
    '████',
  ])
})

test('why it is slow stands below, broken between words', () => {
  const reason = (message: string): string[] => {
    const slowness = { isStalled: true, message }
    return renderProgress({ ...view({}), slowness }, 40, plainStyle()).slice(4)
  }
  expect(reason('all 12 connected peers choke us')).toEqual(['Stalled: all 12 connected peers choke us'])
  expect(reason('tracker t.example answers "what you ask for is unknown\u001b[2J"')).toEqual([
    'Stalled: tracker t.example answers "what',
    'you ask for is unknown\ufffd[2J"',
  ])
  const long = reason('word '.repeat(100))
  expect(long).toHaveLength(3)
  for (const line of long) expect(displayWidth(line)).toBeLessThanOrEqual(40)
})

test('a torrent of empty files is complete', () => {
  const stats = { total: 0, left: 0, pieces: 0, piecesHave: 0, state: 'seeding' as const }
  expect(renderProgress(view(stats), 40, plainStyle())[1]).toBe(`${'█'.repeat(33)}  100 %`)
})

test('the plain line says the same in one sentence', () => {
  expect(describeProgress(view({}))).toBe(
    'Downloading debian.iso: 50.0 %, 64.0 MiB of 128 MiB, 8.00 MiB/s down, 8 s left, 5 peers',
  )
  expect(describeProgress(view({ state: 'checking' }, { done: MIB, total: 4 * MIB }))).toBe(
    'Checking debian.iso: 25.0 % of 4.00 MiB',
  )
  expect(describeProgress(view({ state: 'seeding', left: 0 }))).toMatch(/^Seeding debian\.iso: 0 bytes\/s up, 5 peers/)
})

test('taking space is shown as that', () => {
  const taking = view({ state: 'checking' }, { done: MIB, total: 4 * MIB, isAllocating: true })
  expect(describeProgress(taking)).toBe('Taking space for debian.iso: 25.0 % of 4.00 MiB')
  const lines = renderProgress(taking, 40, plainStyle())
  expect([lines[0], lines[2]]).toEqual([
    'debian.iso                  taking space',
    '1.00 MiB of 4.00 MiB of space on disk',
  ])
})

test('a torrent that waits for its disk says for what', () => {
  const slowness = { isStalled: true, message: 'The disk is full' }
  const waiting = { ...view({ state: 'parked', peers: 0 }), slowness }
  const lines = renderProgress(waiting, 70, plainStyle())
  expect(lines[0]).toMatch(/waiting$/)
  expect(lines.at(-1)).toBe('Waiting: The disk is full')
  expect(describeProgress(waiting)).toBe('Waiting with debian.iso: 50.0 %')
})
