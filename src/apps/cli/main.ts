#!/usr/bin/env node
// The entry point of `shoal`: signals, the one exit. What a command does not need is not loaded.
import './tune-v8.ts'
import { nodeContext } from './node-context.ts'
import { runProgram } from './program.ts'
import { listenForSignals } from './signals.ts'
import { Stop } from './stop.ts'
import { SHOW_CURSOR } from './view/cursor.ts'

if (process.env.SHOAL_LOOP_DELAY === '1') {
  const { watchLoopDelay } = await import('./loop-delay.ts')
  watchLoopDelay((line) => process.stderr.write(line))
}

const stop = new Stop()
listenForSignals(stop, (code) => {
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR)
  process.exit(code)
})

const exitCode = await runProgram(process.argv.slice(2), nodeContext(stop))
// What is left open by now (a look-up under way, a connection kept alive) is waited for no more; what was written is.
process.stdout.write('', () => process.exit(exitCode))
