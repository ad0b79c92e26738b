// One torrent takes leave of its trackers: of those that know us, or may know us. Bounded in time for all of them together.
import type { Clock } from '../../platform/platform.ts'
import type { AnnounceEvent, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import type { AnnounceClients } from './announce-clients.ts'
import type { AnnounceState } from './announce-state.ts'

export interface FarewellOptions {
  readonly clients: AnnounceClients
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly request: (tracker: AnnounceState, event: AnnounceEvent) => AnnounceRequest
}

const WITHIN_MS = 3000

/** What waits or is under way ends here, but for a `completed` that is being said. Settles within 3 s; never rejects. */
export async function sayFarewell(
  trackers: readonly AnnounceState[],
  { clients, clock, request }: FarewellOptions,
): Promise<void> {
  const now = clock.now()
  const controller = new AbortController()
  const farewells = trackers.flatMap((tracker) => {
    const { flight } = tracker
    const isUnderWay = flight !== null && flight.sentAt !== null
    // One that was only just asked may have heard of us already, though we do not know its answer.
    const mayKnowUs = !tracker.isRegistered && isUnderWay && tracker.isFresh(now)
    tracker.flight = null
    const isTelling = isUnderWay && flight.event === 'completed'
    if (isTelling) controller.signal.addEventListener('abort', () => flight.controller.abort())
    else flight?.controller.abort()
    const events: AnnounceEvent[] = tracker.owesCompleted && !isTelling ? ['completed', 'stopped'] : ['stopped']
    const tell = async (family?: 4 | 6): Promise<void> => {
      if (isTelling) await flight.settled
      for (const event of events) {
        const options = { family, signal: controller.signal, occasion: 'leaving' } as const
        await clients.announce(tracker.url, () => request(tracker, event), options).catch(() => {})
      }
    }
    return mayKnowUs ? [tell()] : [...tracker.families].map(tell)
  })
  if (farewells.length === 0) return
  const stopTimer = clock.after(WITHIN_MS, () => controller.abort())
  await Promise.race([
    Promise.allSettled(farewells),
    new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve())),
  ])
  stopTimer()
}
