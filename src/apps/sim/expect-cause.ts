// Asks a torrent why it does not get on, and holds it to the right answer.
import type { Cause } from '../../engine/torrent/torrent-api.ts'
import type { Torrent } from '../../engine/torrent/torrent.ts'
import { ScenarioFailure } from './scenario.ts'

/** Throws ScenarioFailure unless the first cause that the torrent names is this one. */
export function expectCause<Code extends Cause['code']>(
  torrent: Torrent,
  code: Code,
  when: string,
): Extract<Cause, { readonly code: Code }> {
  const causes = torrent.diagnose()
  const first = causes.at(0)
  if (first?.code !== code) {
    const named = causes.map((cause) => `${cause.code} (${cause.message})`).join('; ') || 'nothing'
    throw new ScenarioFailure(`The cause is ${code} ${when}, and it names ${named}`)
  }
  return first as Extract<Cause, { readonly code: Code }>
}
