// A network that is bound to an address keeps the contract of connections, too.
import { connectionContract } from './connection.contract.ts'
import { createNodeNetwork } from '../../src/platform/node/node-network.ts'

for (const ip of ['127.0.0.1', '::1']) {
  connectionContract(`TCP bound to ${ip}`, () => ({ ip, network: createNodeNetwork({ bind: ip }) }))
}
