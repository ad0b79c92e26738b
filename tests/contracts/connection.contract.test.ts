import { connectionContract } from './connection.contract.ts'
import { connectTcp, listenTcp } from '../../src/platform/node/tcp.ts'
import type { Receiving } from '../../src/platform/node/tcp-connection.ts'

for (const receiving of ['shared', 'events'] satisfies Receiving[]) {
  for (const ip of ['127.0.0.1', '::1']) {
    connectionContract(`TCP to ${ip}, receiving by '${receiving}',`, () => ({
      ip,
      network: {
        listen: (options, onConnection) => listenTcp(options, onConnection, receiving),
        connect: (remote, options, handler) => connectTcp(remote, options, handler, receiving),
      },
    }))
  }
}
