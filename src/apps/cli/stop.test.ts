import { expect, test } from 'vitest'
import { Interrupted } from './command-error.ts'
import { Stop } from './stop.ts'

test('the exit code is 128 plus the number of the first signal', () => {
  const stop = new Stop()
  expect(stop.request('SIGTERM')).toBe(true)
  expect(stop.request('SIGINT')).toBe(false)
  expect(stop.exitCode).toBe(143)
})

test('when stopping is the normal end, it is 0', () => {
  const stop = new Stop()
  stop.isNormal = true
  stop.request('SIGINT')
  expect(stop.exitCode).toBe(0)
})

test('waiting ends with the wish to stop, whatever is waited for', async () => {
  const stop = new Stop()
  const waiting = stop.orInterrupted(new Promise(() => {}))
  stop.request('SIGINT')
  await expect(waiting).rejects.toBeInstanceOf(Interrupted)
  await expect(stop.orInterrupted(new Promise(() => {}))).rejects.toBeInstanceOf(Interrupted)
})

test('what comes in time is handed on', async () => {
  const stop = new Stop()
  expect(await stop.orInterrupted(Promise.resolve(1))).toBe(1)
  await expect(stop.orInterrupted(Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('work that was told to end is waited for, and its end is an interruption', async () => {
  const stop = new Stop()
  await expect(stop.afterWork(Promise.reject(new Error('own fault')))).rejects.toThrow('own fault')
  const work = new Promise((_, reject) => {
    stop.signal.addEventListener('abort', () => setImmediate(() => reject(new Error('aborted'))))
  })
  const waiting = stop.afterWork(work)
  stop.request('SIGINT')
  await expect(waiting).rejects.toBeInstanceOf(Interrupted)
})
