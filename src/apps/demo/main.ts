// npm run demo: a download over real sockets, on this machine alone. Leaves nothing behind, however it ends.
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Interrupted, describeFailure } from '../cli/command-error.ts'
import { nodeContext } from '../cli/node-context.ts'
import { listenForSignals } from '../cli/signals.ts'
import { Stop } from '../cli/stop.ts'
import { runDemo } from './demo.ts'
import type { SeederProcess } from './seeder-process.ts'

const { values } = parseArgs({ options: { seed: { type: 'string' } } })
const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed)
if (!Number.isSafeInteger(seed) || seed < 0) {
  process.stderr.write('demo: --seed is a whole number\n')
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'shoal-demo-'))
const processes: SeederProcess[] = []
process.once('exit', () => {
  for (const each of processes) each.kill()
  rmSync(folder, { recursive: true, force: true })
})

const stop = new Stop()
listenForSignals(stop, (code) => process.exit(code))
const context = nodeContext(stop)
process.exit(await run())

async function run(): Promise<number> {
  try {
    return await runDemo({ seed, folder, onProcess: (each) => processes.push(each) }, context)
  } catch (error) {
    if (error instanceof Interrupted) return stop.exitCode
    process.stderr.write(`demo: ${describeFailure(error).message}\n`)
    return 1
  }
}
