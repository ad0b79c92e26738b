#!/usr/bin/env node
// The entry point of `shoal`: the real streams, clock and signals. What a command does not need is not loaded.
import type { Context } from './context.ts'
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

const context: Context = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: {
    now: () => performance.now(),
    wall: () => Date.now(),
    every: (intervalMs, tick) => {
      const timer = setInterval(tick, intervalMs)
      return () => clearInterval(timer)
    },
  },
  stop,
  loadEngine: () => import('../../index.ts'),
  lookup: async (host) => {
    const { lookup } = await import('node:dns/promises')
    try {
      return (await lookup(host, { all: true })).map(({ address }) => address)
    } catch (error) {
      throw new Error('the name is not known', { cause: error })
    }
  },
}

const exitCode = await runProgram(process.argv.slice(2), context)
// What is left open by now (a look-up under way, a connection kept alive) is waited for no more; what was written is.
process.stdout.write('', () => process.exit(exitCode))
