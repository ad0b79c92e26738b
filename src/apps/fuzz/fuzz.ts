// Campaigns one after the other, told as text: a line for each target, the lines of its sources that no case has reached, findings.
import { runCampaign, type Order, type Outcome } from './campaign.ts'
import type { LineCoverage } from './coverage.ts'
import type { Target } from './target.ts'

const ENOUGH_COVERAGE = 0.9

/** True when there is no finding. */
export async function fuzz(
  targets: readonly Target[],
  order: Omit<Order, 'target' | 'progress'>,
  print: (line: string) => void,
): Promise<boolean> {
  print(`seed ${order.seed}`)
  let cases = 0
  let findings = 0
  for (const target of targets) {
    const outcome = await runCampaign(target, order)
    cases += outcome.cases
    print(summary(target, outcome))
    for (const line of missedLines(outcome.coverage)) print(`    ${line}`)
    const { finding } = outcome
    if (finding === null) continue
    findings++
    const { seed, number } = finding.key
    print(`FINDING: ${target.name}, seed ${seed}, case ${number}: ${finding.verdict}`)
    print(`    input: ${finding.file}`)
    print(`    again: npm run fuzz -- ${target.name} --seed ${seed} --case ${number}`)
  }
  print(`${cases} cases, ${findings} findings`)
  return findings === 0
}

function summary({ name }: Target, { cases, refused, ms, coverage }: Outcome): string {
  const refusedShare = `${((100 * refused) / cases).toFixed(0)} % refused`
  const lines = share(coverage)
  const reached = lines === null ? '' : `, ${percent(lines)} of lines${lines < ENOUGH_COVERAGE ? ' (too few)' : ''}`
  return `${name.padEnd(24)} ${cases} cases in ${(ms / 1000).toFixed(1)} s, ${refusedShare}${reached}`
}

function missedLines(coverage: readonly LineCoverage[]): string[] {
  return coverage
    .filter(({ missed }) => missed.length > 0)
    .map((file) => `src/${file.path}: ${percent(share([file])!)}, not reached: ${ranges(file.missed)}`)
}

function share(coverage: readonly LineCoverage[]): number | null {
  const lines = coverage.reduce((total, file) => total + file.lines, 0)
  return lines === 0 ? null : coverage.reduce((total, file) => total + file.reached, 0) / lines
}

function percent(part: number): string {
  // Not rounded up to a hundred.
  return `${(Math.floor(part * 1000) / 10).toFixed(1)} %`
}

function ranges(lines: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < lines.length;) {
    let end = at
    while (lines[end + 1] === lines[end] + 1) end++
    parts.push(end === at ? `${lines[at]}` : `${lines[at]}-${lines[end]}`)
    at = end + 1
  }
  return parts.join(', ')
}
