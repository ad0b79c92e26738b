// Which lines of a parser's sources have run: V8's marks of blocks, brought from the built code to the sources by way of
// source maps. A line counts as reached when none of its code is in a block that never ran: `if (a) throw b` needs the throw.
import { readFileSync } from 'node:fs'
import { Session as Inspector, type Profiler } from 'node:inspector/promises'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Source } from './target.ts'

const BUILT = new URL('../../', import.meta.url)

export interface LineCoverage {
  readonly path: string
  readonly lines: number
  readonly reached: number
  /** Lines of the source, from 1. */
  readonly missed: readonly number[]
}

type Script = Profiler.ScriptCoverage

export class Coverage {
  readonly #inspector = new Inspector()

  /** Marks all code that is loaded from now on, once it has run; it is optimized all the same. */
  async start(): Promise<void> {
    this.#inspector.connect()
    await this.#inspector.post('Profiler.enable')
    await this.#inspector.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true })
  }

  /** To be asked once: V8 tells of a function when it has run for the first time. */
  async lines(sources: readonly Source[]): Promise<LineCoverage[]> {
    const { result } = await this.#inspector.post('Profiler.takePreciseCoverage')
    const scripts = new Map(result.map((script) => [script.url, script]))
    return sources.map((source) => {
      const url = new URL(source.path.replace(/\.ts$/, '.js'), BUILT).href
      return linesOf(source, url, scripts.get(url))
    })
  }
}

function linesOf(source: Source, url: string, script: Script | undefined): LineCoverage {
  const code = readFileSync(fileURLToPath(url), 'utf8')
  const map = new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${url}.map`), 'utf8')))
  const runs = countsOf(code.length, script, source.without ?? [])
  const reached = new Map<number, boolean>()
  let lineStart = 0
  for (const [line, text] of code.split('\n').entries()) {
    for (const token of tokensOf(text)) {
      const count = runs[lineStart + token]
      const entry = map.findEntry(line, token)
      if (count === OUTSIDE || !('originalLine' in entry)) continue
      const { originalLine } = entry
      reached.set(originalLine + 1, count !== NEVER && (reached.get(originalLine + 1) ?? true))
    }
    lineStart += text.length + 1
  }
  const missed = [...reached].filter(([, isReached]) => !isReached).map(([line]) => line)
  return {
    path: source.path,
    lines: reached.size,
    reached: reached.size - missed.length,
    missed: missed.sort((a, b) => a - b),
  }
}

const RAN = 1
const NEVER = 0
/** No code of a function that counts. */
const OUTSIDE = 2

/** For each character of the built code. Code outside functions runs when it is loaded, and does not count. */
function countsOf(length: number, script: Script | undefined, without: readonly string[]): Uint8Array {
  const counts = new Uint8Array(length).fill(OUTSIDE)
  const functions = script?.functions.slice(1) ?? [] // the first is the file
  // Outer ranges stand before those within them.
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) counts.fill(count > 0 ? RAN : NEVER, startOffset, endOffset)
  }
  for (const { functionName, ranges } of functions) {
    if (without.includes(functionName)) counts.fill(OUTSIDE, ranges[0].startOffset, ranges[0].endOffset)
  }
  return counts
}

/** Where words begin; comments and closing brackets are nothing that runs. */
function tokensOf(line: string): number[] {
  if (/^\s*(?:\/\/|\/?\*|\}? *else\b *\{?$)/.test(line)) return []
  const end = line.indexOf(' // ')
  const code = end < 0 ? line : line.slice(0, end)
  return [...code.matchAll(/[\w$#'"`]+/g)].map((match) => match.index)
}
