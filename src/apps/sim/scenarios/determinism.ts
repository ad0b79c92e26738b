// One seed, one course of events: here, and in other processes with other time zones and languages.
import { busySwarm } from '../busy-swarm.ts'
import { answerOf, programArgs } from '../run-in-process.ts'
import { type Scenario, ScenarioFailure } from '../scenario.ts'

const PLACES = [
  { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
  { TZ: 'America/St_Johns', LANG: 'ar_EG.UTF-8', LC_ALL: 'ar_EG.UTF-8' },
]

interface Answer {
  readonly trace: string
  readonly timeZone: string
}

export const determinism: Scenario = {
  name: 'determinism',
  summary: 'a swarm with loss, routers, a crash and a partition takes the same course in other processes',
  defaults: { peers: 20 },

  async run({ seed, peers, progress }) {
    const elsewhere = PLACES.map((place) =>
      answerOf<Answer>([...programArgs('./main-trace'), String(seed), String(peers)], { ...process.env, ...place }),
    )
    const { trace, figures } = await busySwarm(seed, peers, progress)
    for (const [i, answer] of (await Promise.all(elsewhere)).entries()) {
      const { TZ, LANG } = PLACES[i]
      const where = `in another process with TZ=${TZ} and LANG=${LANG}`
      if ('failure' in answer) throw new ScenarioFailure(`Failed ${where}: ${answer.failure}`)
      if (answer.timeZone !== TZ) throw new ScenarioFailure(`Ran ${where} in ${answer.timeZone}`)
      if (answer.trace !== trace) throw new ScenarioFailure(`The trace is ${answer.trace} ${where}, and ${trace} here`)
    }
    return [...figures, { name: 'processes with the same trace', value: 1 + PLACES.length, unit: '' }]
  },

  cases: [
    {
      label: 'other TZ and LANG',
      seeds: 5,
      bounds: [{ figure: 'processes with the same trace', atLeast: 1 + PLACES.length }],
    },
  ],
  small: { peers: 8 },
}
