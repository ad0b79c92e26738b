import { parseAddress } from '../../../base/address.ts'
import type { Router } from './dht-api.ts'

/** Where the DHT is entered by whoever knows no node of it yet: kept up by the makers of several clients. */
const WELL_KNOWN_ROUTERS: readonly string[] = [
  'router.bittorrent.com:6881',
  'dht.transmissionbt.com:6881',
  'dht.libtorrent.org:25401',
]

/** Throws TypeError for a text that is no router. */
export function readRouters(texts: readonly string[] = WELL_KNOWN_ROUTERS): Router[] {
  return texts.map((text) => {
    const router = parseRouter(text)
    if (!router) throw new TypeError(`Cannot use the DHT router ${text}: expected host:port`)
    return router
  })
}

/** `host:port`, `1.2.3.4:port` or `[::1]:port`; null for anything else. */
export function parseRouter(text: string): Router | null {
  const address = parseAddress(text)
  if (address) return { host: address.ip, port: address.port }
  const match = /^([^\s:[\]]{1,253}):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  return match && port >= 1 && port <= 65_535 ? { host: match[1], port } : null
}
