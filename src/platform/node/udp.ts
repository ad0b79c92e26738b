// UDP sockets over node:dgram.
// A datagram that cannot be sent is dropped, as the network would drop it; whoever needs an answer asks again.
import type { Socket } from 'node:dgram'
import { isIpv6, parseIp, ipAddress, type Address } from '../../base/address.ts'
import type { ListenOptions, UdpSocket } from '../platform.ts'
import { toNetworkError } from './network-error.ts'

/**
 * Opens a socket on one family: `::` takes no IPv4. The datagram handed to `onMessage` is valid during the call only.
 * Rejects with NetworkError `address_in_use`, `address_not_available` or the system's code in lower case.
 */
export async function openUdp(
  options: ListenOptions,
  onMessage: (datagram: Uint8Array, from: Address) => void,
): Promise<UdpSocket> {
  const { createSocket } = await import('node:dgram')
  const v6 = isIpv6(options.ip)
  const socket = createSocket({
    type: v6 ? 'udp6' : 'udp4',
    ipv6Only: v6,
    // All who take part in a group listen on its port.
    reuseAddr: options.group !== undefined,
    // Destinations are IPs already: without this each datagram would pass through the resolver.
    lookup: (ip, _options, callback) => callback(null, ip, isIpv6(ip) ? 6 : 4),
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(toNetworkError(error, `Cannot open UDP port ${options.port} of ${options.ip}`))
    })
    socket.bind({ address: options.ip, port: options.port, exclusive: true }, resolve)
  })
  socket.removeAllListeners('error')
  prepareForGroups(socket, options)
  // Replies of the network (port unreachable) to single datagrams: nothing to do.
  socket.on('error', () => {})
  socket.on('message', (datagram, sender) => {
    const ip = parseIp(sender.address)
    // Only neighbours on a link need a zone to be reached; nothing of ours speaks to those. Port 0 cannot be answered.
    if (ip === null || sender.port === 0) return
    try {
      onMessage(datagram, ipAddress(ip, sender.port))
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  })
  const bound = socket.address()
  let open = true
  return {
    ip: parseIp(bound.address) ?? options.ip,
    port: bound.port,
    send(datagram, to) {
      if (!open || isIpv6(to.ip) !== v6) return
      try {
        socket.send(Uint8Array.from(datagram), to.port, to.ip, () => {})
      } catch {
        // An impossible destination or an over-long datagram: dropped, like every other loss.
      }
    },
    close() {
      if (!open) return
      open = false
      socket.close()
    },
  }
}

/** Throws NetworkError when the machine has no such network, and closes the socket. */
function prepareForGroups(socket: Socket, { group, interfaceIp }: ListenOptions): void {
  if (group === undefined && interfaceIp === undefined) return
  try {
    if (group !== undefined) socket.addMembership(group, interfaceIp)
    // IPv6 knows interfaces by their names alone.
    const isKnown = interfaceIp !== undefined && (!isIpv6(interfaceIp) || interfaceIp.includes('%'))
    if (isKnown) socket.setMulticastInterface(interfaceIp)
    socket.setMulticastLoopback(true)
    // Local is local: no router passes it on.
    socket.setMulticastTTL(1)
  } catch (error) {
    socket.close()
    throw toNetworkError(error, `Cannot use ${group ?? 'groups'} on ${interfaceIp ?? 'any interface'}`)
  }
}
