import { createNodeNetwork } from '../platform/node/node-network.ts'

export interface LookUpHostOptions {
  /** IP or interface of this machine to ask from. Default: the system's own resolver asks. */
  readonly bind?: string | undefined
}

/** Canonical IPs of a host name, of those families that `bind` has. Never empty: rejects with NetworkError `name_not_found`. */
export async function lookUpHost(host: string, options: LookUpHostOptions = {}): Promise<readonly string[]> {
  return createNodeNetwork(options).lookup(host, 'any')
}
