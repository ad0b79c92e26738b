// Time limits: around something that has none of its own and cannot be ended (a name lookup), or has one that is too long.
import { NetworkError, TrackerError } from '../../base/errors.ts'
import type { Clock } from '../../platform/platform.ts'

export interface Limit {
  readonly clock: Pick<Clock, 'after'>
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/**
 * Settles as `work` does, or rejects with NetworkError `timed_out` or `aborted`, whichever comes first.
 * `what` is the failed action with its value. What `work` does after that is nobody's concern any more.
 */
export function within<Result>(work: Promise<Result>, what: string, limit: Limit): Promise<Result> {
  const { clock, timeoutMs, signal } = limit
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      stopTimer()
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      settle()
      reject(new NetworkError('aborted', `${what}: aborted`))
    }
    const stopTimer = clock.after(timeoutMs, () => {
      settle()
      reject(new NetworkError('timed_out', `${what}: no answer within ${Math.round(timeoutMs)} ms`))
    })
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    work.then(
      (result) => {
        settle()
        resolve(result)
      },
      (error: unknown) => {
        settle()
        reject(error as Error)
      },
    )
  })
}

/**
 * Does what can be ended by a signal, and ends it when the time is up. Settles as `work` does, or rejects with TrackerError
 * `timed_out`. `what` is the failed action with its value.
 */
export async function whileTime<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  what: string,
  { clock, timeoutMs }: Omit<Limit, 'signal'>,
): Promise<Result> {
  const controller = new AbortController()
  const stopTimer = clock.after(timeoutMs, () => controller.abort())
  try {
    return await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    throw new TrackerError('timed_out', `${what}: no answer within ${timeoutMs} ms`)
  } finally {
    stopTimer()
  }
}
