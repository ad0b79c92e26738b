// The events that `--json` writes, one object a line. This is a public format (docs/json-events.md): keys are added, never
// renamed or removed. Amounts are bytes, rates bytes per second.

export type CommandEvent =
  | { readonly event: 'listening'; readonly address: string; readonly port: number }
  | {
      readonly event: 'files'
      readonly files: readonly { readonly number: number; readonly path: string; readonly length: number }[]
    }
  /** Of a magnet link, found among peers or remembered. */
  | { readonly event: 'metadata'; readonly name: string; readonly total_size: number; readonly infohash_v1: string }
  | { readonly event: 'checking' | 'allocating'; readonly done: number; readonly total: number }
  | {
      readonly event: 'progress'
      readonly downloaded: number
      readonly uploaded: number
      readonly left: number
      readonly wanted: number
      readonly total: number
      readonly down_rate: number
      readonly up_rate: number
      readonly peers: number
      readonly pieces_have: number
      readonly pieces: number
      readonly memory_in: number
      readonly memory_out: number
      readonly memory_budget: number
    }
  | {
      readonly event: 'peer_dropped'
      readonly address: string
      /** Stable code: `corrupt_data`, `silent`, ... */
      readonly reason: string
      /** The same for people. */
      readonly message: string
      readonly pieces?: readonly number[]
    }
  | { readonly event: 'warning'; readonly code: string; readonly message: string }
  | {
      readonly event: 'slow'
      /** Of the cause: `all_choke`, `down_limit`, ... */
      readonly code: string
      /** The same for people. */
      readonly message: string
      /** No content has come for ten seconds or more. */
      readonly stalled: boolean
    }
  | { readonly event: 'flowing' }
  /** It waits: `disk_full` or `drive_gone`. */
  | { readonly event: 'parked'; readonly code: string; readonly message: string }
  | { readonly event: 'resumed' }
  | { readonly event: 'done'; readonly path: string; readonly files: number; readonly sha256?: string }
  | { readonly event: 'seeding'; readonly infohash_v1: string; readonly port: number }
  /** Of `shoal share`: how to get it. */
  | { readonly event: 'sharing'; readonly infohash_v1: string; readonly magnet: string }
  | { readonly event: 'stopped' }
  | { readonly event: 'error'; readonly code: string; readonly message: string }
