import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { NodeStateStore } from '../../src/platform/node/state-store.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import { SimDisk } from '../../src/sim/disk/sim-disk.ts'
import { SimState } from '../../src/sim/state/sim-state.ts'
import { RunningTime } from '../support/running-time.ts'
import { stateStoreContract } from './state-store.contract.ts'

const root = mkdtempSync(join(tmpdir(), 'shoal-state-'))
afterAll(() => rmSync(root, { recursive: true }))

let stores = 0
stateStoreContract('The state store of users', () => new NodeStateStore(join(root, `${stores++}`)))
stateStoreContract(
  'The state store of users, below a folder with a long path,',
  () => new NodeStateStore(join(root, 'long '.repeat(30), `${stores++}`)),
)
stateStoreContract('The simulated state store', () => {
  const disk = new SimDisk(new RunningTime(), new SeededRandom('contract'))
  return new SimState(disk, 'boot 1', '/state')
})
