import { describe, expect, test } from 'vitest'
import type { TrackerStatus } from '../discovery/announcer.ts'
import { diagnose, type DiagnosisFacts, type PeerFacts } from './diagnosis.ts'
import type { WebSeedInfo } from './torrent-api.ts'

const MIB = 1024 ** 2
const MINUTE = 60_000

/** A download that does well, but for what is different. */
function torrent(different: Partial<DiagnosisFacts> = {}): DiagnosisFacts {
  return {
    state: 'downloading',
    error: null,
    checking: null,
    down: { rate: 2 * MIB, bestRate: 2 * MIB, limit: 0, isAtLimit: false },
    up: { rate: 0, limit: 0, isAtLimit: false },
    disk: { pendingWrites: 1, silentMs: 0, shortShare: 0, rate: 2 * MIB, slotsHeld: 3, slots: 64 },
    peers: peers('sss'),
    webSeeds: [],
    servedMs: MINUTE,
    unavailable: { pieces: [], count: 0, lastSeenMs: null },
    book: { known: 3, inUse: 3, untried: 0, failed: new Map(), nextDialMs: null },
    banned: 0,
    trackers: [tracker('working')],
    connections: { used: 3, limit: 200 },
    listenPort: 6881,
    usesDht: false,
    waitsFor: null,
    ...different,
  }
}

/** `s` serves us, `c` chokes us, `f` chokes us but for allowed pieces, `q` is quiet, `-` has nothing that we lack. */
function peers(picture: string, connectedMs = MINUTE): PeerFacts[] {
  return Array.from(picture).map((kind) => ({
    connectedMs,
    isWanted: kind !== '-',
    isChokingUs: 'cf-'.includes(kind),
    outstanding: 'sf'.includes(kind) ? 8 : 0,
    isSnubbed: kind === 'q',
    isInterested: false,
    waiting: 0,
  }))
}

/** `i` wants something of us, `w` waits for blocks, `-` wants nothing. */
function leechers(picture: string): PeerFacts[] {
  return Array.from(picture).map((kind) => {
    const [peer] = peers('-')
    return { ...peer, isInterested: kind !== '-', waiting: kind === 'w' ? 8 : 0 }
  })
}

function tracker(state: TrackerStatus['state'], different: Partial<TrackerStatus> = {}): TrackerStatus {
  const url = 'http://t.example:80/secret/announce'
  const figures = { tier: 0, error: null, refusal: null, seeders: null, leechers: null }
  return { url, state, ...figures, externalIp: null, nextAnnounceInMs: null, ...different }
}

const refusing = tracker('failed', { error: 'Cannot announce', refusal: 'unregistered torrent' })
const dead = tracker('failed', { url: 'udp://dead.example:1', error: 'Cannot reach dead.example: no answer' })

/** Nobody is connected, and this is known of others. */
function lonely(book: Partial<DiagnosisFacts['book']> = {}): Partial<DiagnosisFacts> {
  const nobody = { known: 0, inUse: 0, untried: 0, failed: new Map(), nextDialMs: null }
  return { peers: [], servedMs: 0, down: slow(0), book: { ...nobody, ...book } }
}

function slow(rate: number, bestRate = 0): DiagnosisFacts['down'] {
  return { rate, bestRate, limit: 0, isAtLimit: false }
}

/** Code and sentence of each cause, in their order. */
function why(different: Partial<DiagnosisFacts>): string[] {
  return diagnose(torrent(different)).map(({ code, message }) => `${code}: ${message}`)
}

test('a torrent that does well has no causes', () => {
  expect(why({})).toEqual([])
  expect(why({ trackers: [dead], listenPort: null })).toEqual([])
  expect(why({ peers: peers('sccq-') })).toEqual([])
  expect(why({ unavailable: { pieces: [3], count: 1, lastSeenMs: null } })).toEqual([])
  expect(why({ state: 'seeding', peers: leechers('ww-i') })).toEqual([])
})

test('one that does not run says why, and nothing else', () => {
  const error = { code: 'disk_full', message: 'Cannot write /a: no space left' }
  expect(why({ state: 'failed', error })).toEqual(['failed: Cannot write /a: no space left'])
  expect(diagnose(torrent({ state: 'failed', error }))[0]).toMatchObject({ error: 'disk_full' })
  expect(why({ state: 'stopped', ...lonely() })).toEqual(['stopped: it has been stopped'])
  expect(why({ state: 'checking', checking: { done: 3, total: 10 }, ...lonely() })).toEqual([
    'checking: data on disk is being verified: 3 of 10 pieces',
  ])
})

describe('this machine', () => {
  const disk = torrent().disk

  test('a disk that has not answered for long comes first', () => {
    const silent = { ...disk, pendingWrites: 4, silentMs: 30_000, shortShare: 1 }
    expect(why({ disk: silent, peers: peers('cc'), down: slow(0) })).toEqual([
      'disk_silent: the disk has not answered for 30 s; 4 writes pending',
    ])
    expect(why({ disk: { ...silent, silentMs: 4_000, shortShare: 0 } })).toEqual([])
  })

  test('memory that is full most of the time is full of what waits for the disk', () => {
    const full = { ...disk, pendingWrites: 12, shortShare: 0.8, rate: 3 * MIB }
    expect(why({ disk: full })).toEqual([
      'disk_slow: the disk cannot keep up: it writes 3.00 MiB/s, and memory is full of what waits for it',
    ])
    expect(why({ disk: { ...full, shortShare: 0.2 } })).toEqual([])
  })

  test('... or of pieces that are not complete, here or elsewhere', () => {
    expect(why({ disk: { ...disk, pendingWrites: 0, shortShare: 1, slotsHeld: 32 } })).toEqual([
      'memory_short: memory for pieces under way is used up: 32 of 64 slots are held here',
    ])
  })

  test('what it is bound to is gone, whatever else there is', () => {
    const message = 'waits for interface wg0, which is gone'
    expect(diagnose(torrent({ waitsFor: 'wg0', peers: [] }))).toEqual([{ code: 'bind_gone', bind: 'wg0', message }])
    expect(why({ waitsFor: '10.0.0.1', state: 'seeding' })).toEqual([
      'bind_gone: waits for address 10.0.0.1, which is gone',
    ])
  })

  test('our own limit, while there is somebody whom it holds back', () => {
    const down = { rate: 500_000, bestRate: 500_000, limit: 524_288, isAtLimit: true }
    expect(diagnose(torrent({ down }))).toEqual([
      {
        code: 'down_limit',
        limit: 524_288,
        rate: 500_000,
        message: 'limited by your own rate limit of 512 KiB/s for receiving',
      },
    ])
    const nobodyWaits = { ...down, isAtLimit: false }
    expect(why({ down: nobodyWaits })).toEqual([])
    expect(why({ down: nobodyWaits, peers: peers('cc') })).toEqual(['all_choke: both connected peers choke us'])
  })
})

describe('connected peers', () => {
  const down = slow(0, 2 * MIB)

  test.for([
    ['c', 'the only connected peer chokes us'],
    ['cccc', 'all 4 connected peers choke us'],
    ['cccccccccccc', 'all 12 connected peers choke us'],
    ['c---', 'the only connected peer that has what we lack chokes us'],
    ['cccc--', 'all 4 connected peers that have what we lack choke us'],
  ] as const)('%s choke us', ([picture, message]) => {
    expect(why({ peers: peers(picture), down })).toEqual([`all_choke: ${message}`])
  })

  test('who allows us a few pieces while it chokes us serves us', () => {
    expect(why({ peers: peers('cf'), down: slow(0), servedMs: 0 })).toEqual([])
  })

  test('those that do not answer are told from those that choke, the greater number first', () => {
    expect(why({ peers: peers('qqc'), down })).toEqual([
      'requests_unanswered: 2 of 3 connected peers that have what we lack do not answer what we ask for',
      'all_choke: 1 of 3 connected peers that have what we lack chokes us',
    ])
    expect(why({ peers: peers('q'), down })).toEqual([
      'requests_unanswered: the only connected peer does not answer what we ask for',
    ])
  })

  test.for([
    [[17], 1, 3 * MINUTE, 'piece 17; last seen 3 min ago'],
    [[17, 230], 2, 3_600_000, 'pieces 17 and 230; last seen 1 h ago'],
    [[17, 230, 231], 3, null, 'pieces 17, 230 and 231; never seen'],
    [[17, 230, 231, 232, 240, 241], 6, 3 * MINUTE, 'pieces 17, 230 and 4 more; last seen 3 min ago'],
  ] as const)('no peer has %j', ([pieces, count, lastSeenMs, what]) => {
    const causes = diagnose(torrent({ peers: peers('--'), down, unavailable: { pieces, count, lastSeenMs } }))
    expect(causes).toEqual([{ code: 'pieces_unavailable', pieces, count, lastSeenMs, message: `no peer has ${what}` }])
  })

  test('pieces that nobody has come second while others could be had', () => {
    const unavailable = { pieces: [5], count: 1, lastSeenMs: null }
    expect(why({ peers: peers('cc-'), down, unavailable }).map((cause) => cause.split(':')[0])).toEqual([
      'all_choke',
      'pieces_unavailable',
    ])
  })

  test('the last pieces on their way to the disk are nobody’s fault', () => {
    expect(why({ peers: peers('--'), down })).toEqual([])
  })

  test('peers that serve us are slow below a block a second, or below a quarter of what there was', () => {
    expect(why({ peers: peers('sc'), down: slow(4096) })).toEqual([
      'peers_slow: the only peer that serves us sends 4.00 KiB/s',
    ])
    expect(why({ peers: peers('ssc'), down: slow(MIB / 4, 2 * MIB) })).toEqual([
      'peers_slow: the 2 peers that serve us send 256 KiB/s (it was 2.00 MiB/s at best)',
    ])
    expect(why({ peers: peers('ssc'), down: slow(MIB, 2 * MIB) })).toEqual([])
    expect(why({ peers: peers('s'), down: slow(0), servedMs: 2_000 })).toEqual([])
  })

  test('who came a moment ago has not had the time to tell or give anything', () => {
    expect(why({ peers: peers('c-', 1_000), down })).toEqual([])
    expect(why({ peers: [...peers('c', 1_000), ...peers('c')], down })).toHaveLength(1)
  })

  test('trackers that fail, and a closed door, follow where peers are what is lacking', () => {
    expect(why({ peers: peers('c'), down, trackers: [refusing, dead], listenPort: null })).toEqual([
      'all_choke: the only connected peer chokes us',
      'tracker_refused: tracker t.example answers "unregistered torrent"',
      'tracker_failed: tracker dead.example:1 does not work: Cannot reach dead.example: no answer',
      'not_listening: nobody can connect to us: we do not listen',
    ])
  })
})

describe('nobody is connected', () => {
  test('there is nobody to ask', () => {
    expect(why({ ...lonely(), trackers: [] })).toEqual([
      'no_peer_source: there is no tracker to ask and no peer is known; waiting for peers to connect to port 6881',
    ])
  })

  test('there is nobody to ask but the DHT', () => {
    expect(why({ ...lonely(), trackers: [], usesDht: true })).toEqual([
      'dht_searching: the DHT has named no peer so far; waiting for peers to connect to port 6881',
    ])
  })

  test('trackers answer, but name nobody', () => {
    expect(why({ ...lonely(), trackers: [tracker('working'), dead] })).toEqual([
      'no_peers_known: 1 tracker answered, and named nobody',
    ])
  })

  test('trackers refuse, in their own words, or do not answer', () => {
    expect(why({ ...lonely(), trackers: [refusing, dead] })).toEqual([
      'tracker_refused: tracker t.example answers "unregistered torrent"',
      'tracker_failed: tracker dead.example:1 does not work: Cannot reach dead.example: no answer',
    ])
  })

  test('trackers have not answered yet', () => {
    expect(why({ ...lonely(), trackers: [tracker('announcing'), tracker('idle')] })).toEqual([
      'trackers_pending: no tracker has answered yet; asked: t.example',
    ])
  })

  test('known peers are being dialled', () => {
    expect(why(lonely({ known: 5, inUse: 3, untried: 2, nextDialMs: 0 }))).toEqual([
      'connecting: nobody is connected yet; 3 of 5 known peers being dialled',
    ])
  })

  test('known peers cannot be reached: how many for which reason', () => {
    const failed = new Map([
      ['econnrefused', 4],
      ['connect_timeout', 3],
      ['etimedout', 3],
      ['bad_bitfield', 1],
    ])
    expect(diagnose(torrent(lonely({ known: 11, failed, nextDialMs: 12_000 })))).toEqual([
      {
        code: 'peers_unreachable',
        known: 11,
        failed: { econnrefused: 4, connect_timeout: 3, etimedout: 3, bad_bitfield: 1 },
        nextDialMs: 12_000,
        message:
          'none of 11 known peers is connected: 6 timed out, 4 refused, 1 bad_bitfield; the next is dialled in 12 s',
      },
    ])
  })

  test('known peers have left', () => {
    expect(why(lonely({ known: 2, nextDialMs: 500 }))).toEqual(['peers_left: nobody is connected: 2 known peers left'])
  })

  test('all that there were sent wrong data', () => {
    expect(why({ ...lonely(), banned: 2 })).toEqual(['peers_banned: 2 peers sent wrong data and will not be met again'])
    expect(why({ ...lonely({ known: 1, failed: new Map([['closed', 1]]) }), banned: 1, trackers: [dead] })).toEqual([
      'peers_banned: 1 peer sent wrong data and will not be met again',
      'peers_unreachable: the only known peer is not connected: hung up',
      'tracker_failed: tracker dead.example:1 does not work: Cannot reach dead.example: no answer',
    ])
  })

  test('other torrents have all the connections', () => {
    const connections = { used: 200, limit: 200 }
    expect(why({ ...lonely({ known: 2, untried: 2, nextDialMs: 0 }), connections })).toEqual([
      'connection_limit: all 200 connections that are allowed are in use',
    ])
  })
})

describe('a seed', () => {
  const state = 'seeding'

  test('to which nobody is connected', () => {
    expect(why({ state, peers: [], trackers: [refusing], listenPort: null })).toEqual([
      'nobody_connected: nobody is connected',
      'tracker_refused: tracker t.example answers "unregistered torrent"',
      'not_listening: nobody can connect to us: we do not listen',
    ])
  })

  test('from which nobody wants anything', () => {
    expect(why({ state, peers: leechers('---') })).toEqual([
      'nobody_interested: all 3 connected peers want nothing of us',
    ])
  })

  test('whose limit is reached while somebody waits', () => {
    const up = { rate: 100_000, limit: 102_400, isAtLimit: true }
    expect(why({ state, up, peers: leechers('w-') })).toEqual([
      'up_limit: limited by your own rate limit of 100 KiB/s for sending',
    ])
    expect(why({ state, up, peers: leechers('i-') })).toEqual([])
  })
})

describe('web seeds', () => {
  const seed = (different: Partial<WebSeedInfo> = {}): WebSeedInfo => {
    const url = 'http://user:secret@mirror.example/files/?key=secret'
    return { url, state: 'idle', downloaded: 0, downRate: 0, error: null, reason: null, retryMs: null, ...different }
  }
  const busy = { error: 'http_503', reason: 'it answers 503' }
  const alone = {
    peers: [],
    trackers: [],
    book: { known: 0, inUse: 0, untried: 0, failed: new Map(), nextDialMs: null },
  }
  const tell = (facts: Partial<DiagnosisFacts>) =>
    diagnose(torrent({ ...alone, ...facts })).map(({ message }) => message)

  test('while one sends, all is well without peers', () => {
    expect(tell({ webSeeds: [seed({ state: 'receiving' }), seed({ state: 'gone', ...busy })] })).toEqual([])
    expect(tell({ webSeeds: [seed()] })).toEqual([])
  })

  test('one that sends little is named', () => {
    const down = { rate: 100, bestRate: MIB, limit: 0, isAtLimit: false }
    expect(tell({ down, webSeeds: [seed({ state: 'receiving' })] })).toEqual([
      'the web seed sends 100 bytes/s (it was 1.00 MiB/s at best)',
    ])
  })

  test('one that waits, or has been given up, is named with its reason and without its secrets', () => {
    const webSeeds = [
      seed({ state: 'waiting', retryMs: 65_000, ...busy }),
      seed({ state: 'gone', error: 'http_404', reason: 'it answers 404' }),
    ]
    const said = [
      'web seed mirror.example is left alone for 1 min: it answers 503',
      'web seed mirror.example is not asked any more: it answers 404',
    ]
    expect(tell({ webSeeds })).toEqual(said)
    expect(tell({ webSeeds, peers: peers('c') })).toEqual(['the only connected peer chokes us', ...said])
    // As long as peers serve us they are of no concern.
    expect(tell({ webSeeds, peers: peers('s') })).toEqual([])
  })
})
