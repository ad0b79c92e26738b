// Where the code of disk threads is. Node 20 runs no TypeScript in a worker: from sources (tests) the built file is used.
import { existsSync } from 'node:fs'

/** Throws when running from sources that were not built. */
export function diskWorkerFile(): URL {
  // Relative in a way that holds from the bundled command line too.
  if (import.meta.url.endsWith('.js')) return new URL('../../platform/node/disk-worker.js', import.meta.url)
  const built = new URL('../../../dist/platform/node/disk-worker.js', import.meta.url)
  if (!existsSync(built))
    throw new Error('Cannot start a disk thread from TypeScript sources: run `npm run build` first')
  return built
}
