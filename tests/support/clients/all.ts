// The real clients that Shoal is tested against. One that is not installed is named and left out;
// SHOAL_REQUIRE_CLIENTS=1 makes it a failure.
import { aria2 } from './aria2.ts'
import type { Client } from './client.ts'
import { libtorrent } from './libtorrent.ts'
import { rtorrent } from './rtorrent.ts'
import { transmission } from './transmission.ts'
import { webtorrent } from './webtorrent.ts'

export const clients: readonly Client[] = [libtorrent, transmission, aria2, rtorrent, webtorrent]

export const clientsRequired = process.env.SHOAL_REQUIRE_CLIENTS === '1'

/** Tells which clients the tests will leave out. */
export function nameMissingClients(): void {
  const missing = clients.filter((client) => client.found() === null).map(({ name }) => name)
  if (missing.length > 0) process.stderr.write(`Real clients not found on this machine: ${missing.join(', ')}\n`)
}
