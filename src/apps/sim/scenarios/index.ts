// All scenarios, in the order of the table.
import type { Scenario } from '../scenario.ts'
import { badNetwork } from './bad-network.ts'
import { churn } from './churn.ts'
import { contribution } from './contribution.ts'
import { determinism } from './determinism.ts'
import { dht } from './dht.ts'
import { diskTrouble } from './disk-trouble.ts'
import { flashCrowd } from './flash-crowd.ts'
import { lastPercent } from './last-percent.ts'
import { manyAddresses } from './many-addresses.ts'
import { poison } from './poison.ts'
import { seedLeaves } from './seed-leaves.ts'

export const SCENARIOS: readonly Scenario[] = [
  flashCrowd,
  contribution,
  seedLeaves,
  churn,
  poison,
  lastPercent,
  diskTrouble,
  badNetwork,
  manyAddresses,
  dht,
  determinism,
]
