// Loaded before a program (`--import`): makes its disk threads read and write at SLOW_DISK bytes per second, as a drive does
// that is busy. It stands between the program and the system: the program itself is as it is.
import fs from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const bytesPerSecond = Number(process.env.SLOW_DISK)
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** The call takes as long as its bytes take on the slow drive. */
function slowed(call) {
  return (...args) => {
    const bytes = call(...args)
    Atomics.wait(sleeper, 0, 0, (bytes / bytesPerSecond) * 1000)
    return bytes
  }
}

if (!isMainThread && bytesPerSecond > 0) {
  for (const name of ['readSync', 'readvSync', 'writeSync', 'writevSync']) fs[name] = slowed(fs[name])
}
