// Trackers' formats and state machines, client and server side (package subpath `shoal/tracker`).
export {
  messageText,
  type AnnounceAnswer,
  type AnnounceEvent,
  type AnnounceRefusal,
  type AnnounceRequest,
  type AnnounceResponse,
  type NamedPeer,
  type ScrapeFigures,
} from './announce.ts'
export {
  announceUrl,
  encodeAnnounceReply,
  encodePackedReply,
  encodeRefusal,
  parseAnnounceAnswer,
  parseAnnounceQuery,
  type AnnounceQuery,
  type AnnounceReply,
} from './http.ts'
export {
  encodeScrapeReply,
  parseScrapeAnswer,
  parseScrapeQuery,
  scrapeUrl,
  type ScrapeResponse,
} from './http-scrape.ts'
export { filterPeers, isDialable } from './peer-filter.ts'
export {
  ANNOUNCE_HEAD_LENGTH,
  decodeUdpRequest,
  decodeUdpResponse,
  encodeUdpRequest,
  encodeUdpResponse,
  MAX_SCRAPED,
  writeUdpAnnounceHead,
  type UdpAnnounceRequest,
  type UdpAnnounceResponse,
  type UdpConnectRequest,
  type UdpRequest,
  type UdpResponse,
  type UdpScrapeRequest,
} from './udp.ts'
export { UdpExchange, type AskWith, type UdpConnection, type UdpExchangeOptions } from './udp-exchange.ts'
