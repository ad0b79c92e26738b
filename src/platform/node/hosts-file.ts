// The names that this machine knows by itself (hosts(5)): for lookups that do not go through the system's own resolver.
import { open } from 'node:fs/promises'
import { parseIp } from '../../base/address.ts'

const PATH = process.platform === 'win32' ? 'C:\\Windows\\System32\\drivers\\etc\\hosts' : '/etc/hosts'
/** What comes after that is not read. Lists of unwanted servers are long. */
const MAX_BYTES = 4 << 20

/** Names in lower case -> their IPs, in order. Empty when there is no such file. */
export type HostNames = ReadonlyMap<string, readonly string[]>

export async function readHostsFile(path = PATH): Promise<HostNames> {
  try {
    const file = await open(path)
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0)
      return parseHosts(buffer.toString('utf8', 0, bytesRead))
    } finally {
      await file.close()
    }
  } catch {
    return new Map()
  }
}

/** `localhost` and what is below it is this machine, whatever the file says (RFC 6761). */
export function knownIps(host: string, names: HostNames): readonly string[] {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1']
  return names.get(name) ?? []
}

export function parseHosts(text: string): HostNames {
  const names = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address, ...aliases] = line.replace(/#.*$/, '').trim().split(/\s+/)
    const ip = parseIp(address)
    if (ip === null) continue
    for (const alias of aliases) {
      const name = alias.toLowerCase()
      const ips = names.get(name)
      if (ips) ips.push(ip)
      else names.set(name, [ip])
    }
  }
  return names
}
