import type { Context } from './context.ts'
import type { Stop } from './stop.ts'

/** The real world: this process's streams, the system's clock, the library itself. */
export function nodeContext(stop: Stop): Context {
  return {
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
    ask: async (question) => {
      if (!process.stdin.isTTY || !process.stderr.isTTY) return null
      const { askOnTerminal } = await import('./ask-on-terminal.ts')
      return askOnTerminal(question)
    },
    lookup: async (host, bind) => {
      const { lookUpHost } = await import('../../index.ts')
      try {
        return await lookUpHost(host, { bind })
      } catch (error) {
        throw new Error('the name is not known', { cause: error })
      }
    },
  }
}
