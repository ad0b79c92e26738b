// Announces over HTTP, both directions (BEP 3, 7, 23, 24, 31): the client builds a URL and reads a bencoded answer, the tracker
// reads a request target and writes one. Pure: who sends these, and over what, is not known here. Scrapes: `http-scrape.ts`.
import {
  bytesToIp,
  decodeCompactAddresses,
  encodeCompactAddresses,
  ipAddress,
  ipToBytes,
  parseIp,
  type Address,
  type IpLength,
} from '../../base/address.ts'
import { decodeUtf8, encodeUtf8 } from '../../base/bytes.ts'
import { FormatError, TrackerError } from '../../base/errors.ts'
import { BencodeDict, decode, encode, type BencodeInput } from '../bencode/index.ts'
import {
  MAX_PEERS_PER_ANSWER,
  messageText,
  type AnnounceAnswer,
  type AnnounceEvent,
  type AnnounceRequest,
  type NamedPeer,
} from './announce.ts'
import { addParameters, percentDecode, percentEncode, queryParameters } from './query-string.ts'

// ---------------------------------------------------------------- client

/** The URL that announces `request` to the tracker at `trackerUrl`. */
export function announceUrl(trackerUrl: string, request: AnnounceRequest): string {
  const parameters = [
    `info_hash=${percentEncode(request.infohash)}`,
    `peer_id=${percentEncode(request.peerId)}`,
    `port=${request.port}`,
    `uploaded=${request.uploaded}`,
    `downloaded=${request.downloaded}`,
    `left=${request.left}`,
    'compact=1',
    'no_peer_id=1',
    `key=${request.key.toString(16).toUpperCase().padStart(8, '0')}`,
  ]
  if (request.event !== null) parameters.push(`event=${request.event}`)
  if (request.numWant >= 0) parameters.push(`numwant=${request.numWant}`)
  if (request.trackerId) parameters.push(`trackerid=${percentEncode(request.trackerId)}`)
  if (request.ip !== undefined) parameters.push(`ip=${percentEncode(encodeUtf8(request.ip))}`)
  return addParameters(trackerUrl, parameters)
}

/** Reads a tracker's answer. Throws TrackerError `bad_response` for what is not one. */
export function parseAnnounceAnswer(body: Uint8Array): AnnounceAnswer {
  const answer = decodeDict(body)
  const failure = answer.bytes('failure reason')
  if (failure !== null) {
    return { kind: 'refusal', reason: messageText(failure), retryInSeconds: retryIn(answer) }
  }
  const { addresses, named } = peersOf(answer)
  const warning = answer.bytes('warning message')
  return {
    kind: 'response',
    interval: count(answer, 'interval'),
    minInterval: count(answer, 'min interval'),
    seeders: count(answer, 'complete'),
    leechers: count(answer, 'incomplete'),
    downloads: count(answer, 'downloaded'),
    peers: addresses,
    namedPeers: named,
    warning: warning === null ? null : messageText(warning),
    trackerId: trackerIdOf(answer),
    externalIp: ipOf(answer.bytes('external ip')),
  }
}

/** The dictionary that a tracker's body is. Throws TrackerError `bad_response`. */
export function decodeDict(body: Uint8Array): BencodeDict {
  let value
  try {
    // Trackers are known to write keys out of order, and to let a line end follow.
    value = decode(body.subarray(0, lengthWithoutLineEnd(body)), { lenient: true, maxDepth: 10, maxItems: 100_000 })
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new TrackerError('bad_response', `Cannot read the tracker's answer: ${error.message}`)
  }
  if (value instanceof BencodeDict) return value
  throw new TrackerError('bad_response', "Cannot read the tracker's answer: it is not a dictionary")
}

function lengthWithoutLineEnd(body: Uint8Array): number {
  let { length } = body
  while (length > 0 && (body[length - 1] === 0x0a || body[length - 1] === 0x0d)) length--
  return length
}

/** BEP 31: minutes, or "never". */
function retryIn(answer: BencodeDict): number | null {
  if (answer.text('retry in') === 'never') return Infinity
  const minutes = answer.int('retry in') ?? Number(answer.text('retry in') || Number.NaN)
  return Number.isFinite(minutes) && minutes >= 0 ? Math.round(minutes * 60) : null
}

/** A number that counts something; null when it is missing, negative or no number. */
export function count(dict: BencodeDict, key: string): number | null {
  const value = dict.int(key)
  return value !== null && value >= 0 ? value : null
}

const MAX_TRACKER_ID_BYTES = 256

function trackerIdOf(answer: BencodeDict): Uint8Array | null {
  const id = answer.bytes('tracker id')
  return id === null || id.length === 0 || id.length > MAX_TRACKER_ID_BYTES ? null : id.slice()
}

/** An IP as 4 or 16 bytes, or as text (which is against BEP 24, but seen). */
function ipOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  return bytes.length === 4 || bytes.length === 16 ? bytesToIp(bytes) : parseIp(decodeUtf8(bytes.subarray(0, 64)))
}

function peersOf(answer: BencodeDict): { addresses: Address[]; named: NamedPeer[] } {
  const list = answer.list('peers')
  const listed = list === null ? null : listedPeers(list.slice(0, MAX_PEERS_PER_ANSWER))
  const addresses = [
    ...(listed?.addresses ?? []),
    ...compactPeers(answer.bytes('peers'), 4),
    ...compactPeers(answer.bytes('peers6'), 16),
  ]
  return { addresses: addresses.slice(0, MAX_PEERS_PER_ANSWER), named: listed?.named ?? [] }
}

/** A string that is not made of whole records is no list of peers at all: all would be misread. */
function compactPeers(bytes: Uint8Array | null, ipLength: IpLength): Address[] {
  if (bytes === null || bytes.length % (ipLength + 2) !== 0) return []
  return decodeCompactAddresses(bytes, ipLength, MAX_PEERS_PER_ANSWER)
}

/** The original form of BEP 3: a list of dictionaries, whose `ip` is a text, and may be a name. */
function listedPeers(list: readonly unknown[]): { addresses: Address[]; named: NamedPeer[] } {
  const addresses: Address[] = []
  const named: NamedPeer[] = []
  for (const entry of list) {
    if (!(entry instanceof BencodeDict)) continue
    const host = entry.text('ip')
    const port = entry.int('port')
    if (host === null || port === null || port < 1 || port > 65535) continue
    const ip = parseIp(host)
    if (ip !== null) addresses.push(ipAddress(ip, port))
    else if (/^[\w.-]{1,253}$/.test(host)) named.push({ host, port })
  }
  return { addresses, named }
}

// ---------------------------------------------------------------- tracker

/** An announce as a tracker reads it. What the client left out is null. */
export interface AnnounceQuery {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly port: number
  readonly uploaded: number | null
  readonly downloaded: number | null
  readonly left: number | null
  readonly event: AnnounceEvent
  /** Whatever the client chose: clients differ in length and form. */
  readonly key: Uint8Array | null
  readonly numWant: number | null
  readonly trackerId: Uint8Array | null
  /** Peers as strings of records, not as a list. True unless the client says `compact=0`, as most trackers have it. */
  readonly isCompact: boolean
  /** In a list, leave the peer ids out. */
  readonly withoutPeerIds: boolean
}

/** Reads an announce from a request target (`/announce?info_hash=...`). Throws TrackerError `bad_request`, whose message may be sent back. */
export function parseAnnounceQuery(target: string): AnnounceQuery {
  const values = new Map<string, string>()
  for (const [name, value] of queryParameters(target) ?? []) if (!values.has(name)) values.set(name, value)
  const bytes = (name: string): Uint8Array | null => {
    const text = values.get(name)
    const value = text === undefined ? null : percentDecode(text)
    if (text !== undefined && value === null) throw badRequest(`${name} is not percent-encoded`)
    return value
  }
  const twentyBytes = (name: string): Uint8Array => {
    const value = bytes(name)
    if (value?.length !== 20) throw badRequest(`${name} must be 20 bytes, not ${value?.length ?? 0}`)
    return value
  }
  const number = (name: string): number | null => {
    const text = values.get(name)
    return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : null
  }
  const port = number('port')
  if (port === null || port < 1 || port > 65535) throw badRequest('port must be from 1 to 65535')
  return {
    infohash: twentyBytes('info_hash'),
    peerId: twentyBytes('peer_id'),
    port,
    uploaded: number('uploaded'),
    downloaded: number('downloaded'),
    left: number('left'),
    event: eventOf(values.get('event')),
    key: bytes('key'),
    numWant: number('numwant'),
    trackerId: bytes('trackerid'),
    isCompact: values.get('compact') !== '0',
    withoutPeerIds: values.get('no_peer_id') === '1',
  }
}

function badRequest(problem: string): TrackerError {
  return new TrackerError('bad_request', `Cannot read the announce: ${problem}`)
}

/** Unknown events (BEP 21's `paused`, `empty`) are regular announces. */
function eventOf(text: string | undefined): AnnounceEvent {
  return text === 'started' || text === 'completed' || text === 'stopped' ? text : null
}

export interface AnnounceReply {
  /** Seconds. */
  readonly interval: number
  /** Seconds. */
  readonly minInterval?: number
  readonly seeders: number
  readonly leechers: number
  /** Completed downloads. */
  readonly downloads?: number
  readonly peers: readonly { readonly address: Address; readonly peerId?: Uint8Array }[]
  readonly warning?: string
  readonly trackerId?: Uint8Array
  /** The client's IP, canonical (BEP 24). */
  readonly externalIp?: string
}

/** The body that answers an announce in the form its sender asked for. */
export function encodeAnnounceReply(
  reply: AnnounceReply,
  form: { readonly isCompact: boolean; readonly withoutPeerIds: boolean },
): Uint8Array {
  if (!form.isCompact) {
    return encodeReply(
      reply,
      reply.peers.map((peer) => listedPeer(peer, form)),
    )
  }
  const addresses = reply.peers.map(({ address }) => address)
  return encodePackedReply(reply, encodeCompactAddresses(addresses, 4), encodeCompactAddresses(addresses, 16))
}

/** The same in compact form, for whoever has the peers packed already: IPv4 in `peers`, IPv6 in `peers6`. */
export function encodePackedReply(
  reply: Omit<AnnounceReply, 'peers'>,
  peers: Uint8Array,
  peers6: Uint8Array,
): Uint8Array {
  return encodeReply(reply, peers, peers6.length > 0 ? peers6 : undefined)
}

function encodeReply(reply: Omit<AnnounceReply, 'peers'>, peers: BencodeInput, peers6?: Uint8Array): Uint8Array {
  const externalIp = reply.externalIp === undefined ? null : ipToBytes(reply.externalIp)
  return encode({
    complete: reply.seeders,
    incomplete: reply.leechers,
    downloaded: reply.downloads,
    interval: reply.interval,
    'min interval': reply.minInterval,
    'external ip': externalIp ?? undefined,
    peers,
    peers6,
    'tracker id': reply.trackerId,
    'warning message': reply.warning,
  })
}

function listedPeer(
  peer: AnnounceReply['peers'][number],
  form: { readonly withoutPeerIds: boolean },
): { [key: string]: BencodeInput | undefined } {
  return {
    ip: peer.address.ip,
    port: peer.address.port,
    'peer id': form.withoutPeerIds ? undefined : peer.peerId,
  }
}

/** The body that refuses an announce or a scrape. `retryInSeconds`: Infinity for never (BEP 31). */
export function encodeRefusal(reason: string, retryInSeconds?: number): Uint8Array {
  const minutes = retryInSeconds === undefined ? undefined : Math.ceil(retryInSeconds / 60)
  return encode({ 'failure reason': reason, 'retry in': minutes === Infinity ? 'never' : minutes })
}
