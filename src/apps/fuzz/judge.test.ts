import { afterEach, expect, test } from 'vitest'
import { FormatError } from '../../base/errors.ts'
import { expectSame } from './expect.ts'
import { Judge } from './judge.ts'
import type { Target } from './target.ts'

let judge: Judge
afterEach(() => judge.close())

function verdictOn(
  parse: Target['parse'],
  check?: Target['check'],
  limits = { ms: 5, bytes: 8 * 2 ** 20 },
): Promise<string | null> {
  judge = new Judge(limits)
  const target: Target = { name: 'made', seeds: [], refusals: [FormatError], parse, check, sources: [] }
  return judge.verdict(target, new Uint8Array(10))
}

test('an answer that keeps its promises is no finding', async () => {
  expect(
    await verdictOn(
      (input) => input.length,
      (answer) => expectSame(answer, 10, 'ten bytes are ten'),
    ),
  ).toBeNull()
})

test('a typed refusal is no finding, and is counted', async () => {
  const refuse = (): never => {
    throw new FormatError('bencoding', 'Cannot decode')
  }
  expect(await verdictOn(refuse)).toBeNull()
  expect(judge.refused).toBe(1)
})

test('any other error is a finding, with the place where it was thrown', async () => {
  const fail = (input: Uint8Array): unknown => (input as unknown as { a: { b: number } }).a.b
  expect(await verdictOn(fail)).toMatch(/TypeError[^]*judge.test.ts/)
})

test('an error of the right class without a code is a finding', async () => {
  const fail = (): never => {
    throw new FormatError('', 'Cannot decode')
  }
  expect(await verdictOn(fail)).toMatch(/Cannot decode/)
})

test('a rejected promise is a finding', async () => {
  expect(await verdictOn(() => Promise.reject(new RangeError('beyond')))).toMatch(/RangeError: beyond/)
})

test('a broken promise is a finding, with what was found', async () => {
  const check = (answer: unknown): void => expectSame(answer, 11, 'eleven is eleven')
  expect(await verdictOn((input) => input.length, check)).toMatch(/eleven is eleven\nfound +10\nexpected 11/)
})

test('what takes long each time is a finding', async () => {
  const loiter = (): void => {
    let sum = 0
    for (const endsAt = performance.now() + 100; performance.now() < endsAt;) sum += Math.sqrt(sum + 1)
  }
  expect(await verdictOn(loiter)).toMatch(/it takes \d+ ms, the quickest of 5 times/)
})

test('what takes long the first time only is none', async () => {
  let isFirst = true
  const warmUp = (): void => {
    for (const endsAt = performance.now() + (isFirst ? 100 : 0); performance.now() < endsAt;) isFirst = false
  }
  expect(await verdictOn(warmUp)).toBeNull()
})

test('memory that is held is a finding', async () => {
  const hold = (): Uint8Array => new Uint8Array(9 * 2 ** 20)
  expect(await verdictOn(hold, undefined, { ms: 60_000, bytes: 8 * 2 ** 20 })).toMatch(/it allocates 9 MiB/)
})

test('memory that is garbage at once is a finding', async () => {
  const waste = (): void => {
    for (const endsAt = performance.now() + 150; performance.now() < endsAt;) garbage = Array.from({ length: 1000 })
  }
  expect(await verdictOn(waste, undefined, { ms: 200, bytes: 2 ** 20 })).toMatch(/it allocates \d+ MiB/)
  expect(garbage).toHaveLength(1000)
})
let garbage: unknown[] = []
