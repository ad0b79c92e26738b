import type { AnnounceAnswer, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import type { Occasion } from './host-line.ts'
import type { AnnounceOptions } from './tracker-clients.ts'

export interface AnnounceTurn {
  readonly occasion: Occasion
  /** It is sent now: until then it has waited for its turn. */
  readonly onTurn?: () => void
}

/** Who carries the announces: `PacedTrackers`, one for the whole session. */
export interface AnnounceClients {
  /** @param request what to say, asked for when it is its turn */
  announce(
    trackerUrl: string,
    request: () => AnnounceRequest,
    options: AnnounceOptions & AnnounceTurn,
  ): Promise<AnnounceAnswer>
}
