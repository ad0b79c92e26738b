// One member in five has a bad disk or a bad will: one block in fifty that it sends is wrong. Everybody else must get the
// content all the same, nobody may be banned without guilt, and little may be sent in vain.
import { ScenarioFailure, type Scenario } from '../scenario.ts'
import { sum } from '../statistics.ts'
import { SwarmWorld } from '../world.ts'
import { CONTENT_FOLDER } from '../member.ts'

const JOIN_WITHIN_MS = 10_000
const LIMIT_MS = 1_200_000
const ONE_POISONER_IN = 5
const ONE_BLOCK_IN = 50

export const poison: Scenario = {
  name: 'poison',
  summary: 'one member in five corrupts one block in fifty',
  defaults: { peers: 50 },

  async run({ seed, peers, progress }) {
    const world = new SwarmWorld({ seed, progress })
    world.seed({ superSeed: 'on' })
    const guilty = new Set<string>()
    for (let i = 0; i < peers; i++) {
      const joinsAtMs = world.random.fraction() * JOIN_WITHIN_MS
      const isPoisoner = i % ONE_POISONER_IN === ONE_POISONER_IN - 1
      // Whoever is shunned by all cannot complete.
      const member = world.leecher({ joinsAtMs, mustComplete: !isPoisoner, group: isPoisoner ? 'poisoners' : 'honest' })
      if (!isPoisoner) continue
      guilty.add(member.node.ip)
      member.node.disk.device(CONTENT_FOLDER).corruptReads(ONE_BLOCK_IN)
    }
    await world.untilAllDone(LIMIT_MS)

    const bans = world.members.flatMap(({ dropped }) => dropped.filter(({ reason }) => reason === 'corrupt_data'))
    for (const { address, message } of bans) {
      if (!guilty.has(address.slice(0, address.lastIndexOf(':'))))
        throw new ScenarioFailure(`An honest member was banned: ${address}: ${message}`)
    }
    const honest = world.leechers.filter(({ mustComplete }) => mustComplete)
    for (const member of honest) {
      if (!world.content.isComplete(member.node.disk, CONTENT_FOLDER))
        throw new ScenarioFailure(`${member.address} has completed with wrong data`)
    }
    const traffic = sum(honest.map(({ downloaded }) => downloaded))
    return [
      ...world.figures(0, honest),
      { name: 'in vain', value: (100 * sum(honest.map(({ wasted }) => wasted))) / traffic, unit: '%' },
      { name: 'bans', value: bans.length, unit: '' },
    ]
  },

  cases: [
    {
      label: '20 % poisoners',
      seeds: 5,
      bounds: [{ figure: 'in vain', atMost: 5 }],
      wallSeconds: 20,
    },
  ],
  small: { peers: 5 },
}
