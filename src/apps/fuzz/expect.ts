// What must hold for a parser's answer, said in a line; a breach is a finding.
import { isDeepStrictEqual, inspect } from 'node:util'

export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

export function expectTrue(holds: boolean, promise: string): void {
  if (!holds) throw new BrokenPromise(`This does not hold: ${promise}`)
}

export function expectSame(found: unknown, expected: unknown, promise: string): void {
  if (isDeepStrictEqual(found, expected)) return
  throw new BrokenPromise(`This does not hold: ${promise}\nfound    ${show(found)}\nexpected ${show(expected)}`)
}

function show(value: unknown): string {
  return inspect(value, { depth: 6, maxArrayLength: 30, maxStringLength: 300, breakLength: Infinity }).slice(0, 2000)
}
