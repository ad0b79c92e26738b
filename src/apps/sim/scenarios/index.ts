// All scenarios, in the order of the table.
import type { Scenario } from '../scenario.ts'
import { flashCrowd } from './flash-crowd.ts'

export const SCENARIOS: readonly Scenario[] = [flashCrowd]
