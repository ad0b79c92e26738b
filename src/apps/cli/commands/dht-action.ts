// What an action of `shoal dht` is given.
import type { LogLevel } from '../../../index.ts'
import type { Context } from '../context.ts'
import type { EngineDht } from '../engine.ts'
import type { PeerOption } from '../options/peer-option.ts'

export interface DhtFlags {
  readonly port?: number
  readonly bind?: string
  readonly dhtRouter?: readonly PeerOption[]
  readonly state?: string | false
  readonly json?: boolean
  readonly announce?: number
  readonly keyFile?: string
  readonly key?: string
  readonly salt?: string
  readonly seq?: number
  readonly file?: string
  readonly logLevel?: LogLevel
}

export interface DhtAction {
  readonly dht: EngineDht
  readonly context: Context
  readonly flags: DhtFlags
}
