// What the README tells newcomers to run first.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openStage } from '../support/stage.ts'

const DEMO = fileURLToPath(new URL('../../dist/apps/demo/main.js', import.meta.url))

test(
  'the demo loses a seeder, drops the one that lies, and ends with identical content',
  { timeout: 120_000 },
  async (context) => {
    const stage = openStage(context)
    const lines: string[] = []
    const onLine = (line: string, stream: string): void => void (stream === 'stdout' && lines.push(line))
    const state = stage.folder('state')
    const demo = stage.start('demo', [process.execPath, DEMO], {
      onLine,
      cwd: stage.root,
      env: { XDG_STATE_HOME: state },
    })
    expect(await demo.exited).toMatchObject({ code: 0 })
    const said = lines.join('\n')
    expect(said).toMatch(/^Killed {4}seeder 2 .*; the others went on$/m)
    expect(said).toMatch(/^Dropped {3}seeder 5 .*; it sent corrupt data for \d+ pieces?$/m)
    expect(lines.at(-1)).toBe('identical')
  },
)
