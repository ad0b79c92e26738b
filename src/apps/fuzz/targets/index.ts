import type { Target } from '../target.ts'
import { addresses } from './addresses.ts'
import { bencode } from './bencode.ts'
import { bitfield } from './bitfield.ts'
import { dht } from './dht.ts'
import { extensions } from './extensions.ts'
import { httpAnnounce, httpScrape } from './http-tracker.ts'
import { journal } from './journal.ts'
import { magnet } from './magnet.ts'
import { metainfo } from './metainfo.ts'
import { lsdMessages, metadataMessages, pexMessages } from './peer-discovery.ts'
import { redirects } from './redirects.ts'
import { settings } from './settings.ts'
import { trackerQueries } from './tracker-queries.ts'
import { trackerServer } from './tracker-server.ts'
import { udpAnswers, udpRequests } from './udp-tracker.ts'
import { webAnswers } from './web-answers.ts'
import { wire } from './wire.ts'

/** Every parser of what strangers send, and of what a power cut may leave. */
export const TARGETS: readonly Target[] = [
  bencode,
  metainfo,
  magnet,
  wire,
  extensions,
  metadataMessages,
  pexMessages,
  lsdMessages,
  httpAnnounce,
  httpScrape,
  udpAnswers,
  udpRequests,
  trackerQueries,
  dht,
  trackerServer,
  addresses,
  bitfield,
  redirects,
  webAnswers,
  journal,
  settings,
]
