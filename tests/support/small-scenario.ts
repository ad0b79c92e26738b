// Runs the small variant of a scenario, and gives its figures by name.
import { ProgressRecorder } from '../../src/apps/sim/progress-recorder.ts'
import { completeSettings, type Scenario } from '../../src/apps/sim/scenario.ts'

export async function runSmall(
  scenario: Scenario,
  settings: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, number>>> {
  const { small } = scenario
  const figures = await scenario.run({
    seed: 1,
    peers: small.peers,
    settings: completeSettings(scenario, { ...small.settings, ...settings }),
    progress: new ProgressRecorder(),
  })
  return Object.fromEntries(figures.map(({ name, value }) => [name, value]))
}
