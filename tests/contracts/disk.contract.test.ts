import { NodeDisk } from '../../src/platform/node/disk.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import { SimDisk } from '../../src/sim/disk/sim-disk.ts'
import { RunningTime } from '../support/running-time.ts'
import { realFiles, simulatedFiles } from './disk-files.ts'
import { diskContract } from './disk.contract.ts'

// Threads run the built code, so these tests need `npm run build` before them.
for (const workers of [0, 1, 2]) {
  diskContract(`A disk with ${workers} threads per device`, (sizes) => ({
    disk: new NodeDisk({ workers, ...sizes }),
    files: realFiles(),
  }))
}

diskContract('The simulated disk', (sizes) => {
  const disk = new SimDisk(new RunningTime(), new SeededRandom('contract'), {
    kind: 'bytes',
    frameBlocks: 64,
    ...sizes,
  })
  return { disk, files: simulatedFiles(disk) }
})
