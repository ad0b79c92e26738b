import type { AnnounceRefusal, ScrapeFigures } from '../../protocol/tracker/announce.ts'

/** How large a tracker says that a swarm is, or why it does not. */
export type ScrapeAnswer = { readonly kind: 'response'; readonly figures: ScrapeFigures } | AnnounceRefusal
