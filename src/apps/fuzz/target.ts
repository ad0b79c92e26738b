// What is fuzzed: a parser, valid inputs to begin with, and what must hold for whatever it is given.
// A new parser is a new file in `targets/` and one line in `targets/index.ts`.
import type { SeededRandom } from '../../sim/index.ts'

/** A class of errors by which a parser refuses its input. */
export type Refusal = new (...details: never[]) => Error

export interface Target<Answer = unknown> {
  readonly name: string
  /** Valid inputs, and refused ones that reach a place of their own: what cases are made from. */
  readonly seeds: readonly Uint8Array[]
  /** Inputs are bencoded: values in them are exchanged as such, beside bytes. Default false. */
  readonly isBencode?: boolean
  /** Words of the format, to be put where chance says. */
  readonly words?: readonly string[]
  /** The errors that `parse` may throw; any other one is a finding. */
  readonly refusals: readonly Refusal[]
  /** Time and memory are limited here. Chance (where a stream is cut, say) comes from `random`, so that it can be had again. */
  parse(input: Uint8Array, random: SeededRandom): Answer | Promise<Answer>
  /** What must hold for an answer: throws BrokenPromise (`expect.ts`) where it does not, or whatever a parser must not. */
  check?(answer: Answer, input: Uint8Array): void
  /** The parser's own sources, whose lines are counted. */
  readonly sources: readonly Source[]
}

export interface Source {
  /** Below `src/`. */
  readonly path: string
  /** Functions and methods in it that are no part of this parser: the other direction, or what makes the format. */
  readonly without?: readonly string[]
}

/** The answer of `parse`, or null when it refused. */
export function unlessRefused<Answer>(refusals: readonly Refusal[], parse: () => Answer): Answer | null {
  try {
    return parse()
  } catch (error) {
    if (isRefusal(refusals, error)) return null
    throw error
  }
}

/** True for an error of one of these classes that says its code. */
export function isRefusal(refusals: readonly Refusal[], error: unknown): boolean {
  const isKnown = refusals.some((refusal) => error instanceof refusal)
  return isKnown && /^[a-z][a-z0-9_]*$/.test((error as { code?: unknown }).code as string)
}
