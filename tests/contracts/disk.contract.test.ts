import { diskContract } from './disk.contract.ts'
import { NodeDisk } from '../../src/platform/node/disk.ts'

// Threads run the built code, so these tests need `npm run build` before them.
for (const workers of [0, 1, 2]) {
  diskContract(`A disk with ${workers} threads per device`, (sizes) => new NodeDisk({ workers, ...sizes }))
}
