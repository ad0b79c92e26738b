// npm run crash -- [--runs N] [--size MIB] [--piece KIB] [--simulated N] [--seed S]: what is remembered when a program or a
// machine ends from one moment to the next. Exit code 1 when a promise is broken.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Stage } from '../support/stage.ts'
import { killAndRestart } from './kills.ts'
import { cutPower, describeCuts } from './power-cuts.ts'

const USAGE = `npm run crash -- [--runs N] [--size MIB] [--piece KIB] [--simulated N] [--seed S]

  --runs       kill -9 of a real process, during one download; default 200
  --size       of the download, in MiB; default 1024
  --piece      length, in KiB; default 1024
  --simulated  power cuts in the simulator, instead
  --seed       decides the moments; default: a new one
`

const OPTIONS = {
  runs: { type: 'string', default: '200' },
  size: { type: 'string', default: '1024' },
  piece: { type: 'string', default: '1024' },
  simulated: { type: 'string' },
  seed: { type: 'string' },
} as const

const print = (line: string): void => void process.stdout.write(`${line}\n`)
process.exitCode = await main()

async function main(): Promise<number> {
  const stage = new Stage()
  try {
    const { values } = parseArgs({ options: OPTIONS })
    const seed = Number(values.seed ?? randomInt(2 ** 31))
    print(`Seed ${seed}`)
    if (values.simulated !== undefined) {
      await cutPower(Number(values.simulated), seed, (figures) => print(describeCuts(figures)))
    } else {
      const [kills, mib, kib] = [values.runs, values.size, values.piece].map(Number)
      await killAndRestart(stage, { kills, seed, bytes: mib * 2 ** 20, pieceLength: kib * 1024, print })
    }
    return 0
  } catch (error) {
    process.stderr.write(`crash: ${(error as Error).message}\n`)
    if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) process.stderr.write(USAGE)
    return 1
  } finally {
    await stage.end(false)
  }
}
