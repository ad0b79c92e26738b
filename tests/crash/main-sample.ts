// npm run crash:sample: a minute of kills and power cuts, from a seed that nobody has tried before.
import { randomInt } from 'node:crypto'
import { Stage } from '../support/stage.ts'
import { killAndRestart } from './kills.ts'
import { cutPower, describeCuts } from './power-cuts.ts'

const MIB = 1 << 20

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const seed = randomInt(2 ** 31)
const stage = new Stage()
print(`Seed ${seed}`)
try {
  await cutPower(100, seed, (figures) => print(describeCuts(figures)))
  for (const pieceLength of [MIB / 4, 4 * MIB]) {
    await killAndRestart(stage, { kills: 12, seed, bytes: 96 * MIB, pieceLength, print })
  }
} catch (error) {
  process.stderr.write(`crash: ${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  await stage.end(false)
}
