// Somebody who hears of far more addresses than it can be connected to: what it keeps is bounded, and what it does at each
// heartbeat does not depend on how many there are.
import { type Burden, CONNECTIONS } from '../address-burden.ts'
import { answerOf, programArgs } from '../run-in-process.ts'
import { type Scenario, ScenarioFailure } from '../scenario.ts'

const FEW_ADDRESSES = 1000

export const manyAddresses: Scenario = {
  name: 'many-addresses',
  summary: 'one with 200 connections that is told of 10,000 addresses',
  // Here: the addresses.
  defaults: { peers: 10_000 },

  async run({ seed, peers }) {
    const [few, many] = await Promise.all([burdenOf(seed, FEW_ADDRESSES), burdenOf(seed, peers)])
    return [
      { name: 'connected', value: many.connected, unit: '' },
      { name: 'addresses kept', value: many.known, unit: '' },
      { name: 'work per tick', value: many.usual, unit: 'blocks of code' },
      { name: 'most work in a tick', value: many.most, unit: 'blocks of code' },
      { name: 'work per tick, to that with 1,000 addresses', value: many.usual / few.usual, unit: '' },
      { name: 'most work in a tick, to that with 1,000 addresses', value: many.most / few.most, unit: '' },
    ]
  },

  cases: [
    {
      label: '10,000 addresses',
      seeds: 5,
      bounds: [
        { figure: 'connected', atLeast: CONNECTIONS, atMost: CONNECTIONS },
        { figure: 'addresses kept', atMost: 2000 },
        { figure: 'work per tick' },
        { figure: 'most work in a tick' },
        { figure: 'work per tick, to that with 1,000 addresses', atMost: 1.1 },
        { figure: 'most work in a tick, to that with 1,000 addresses', atMost: 1.5 },
      ],
      wallSeconds: 20,
    },
  ],
  small: { peers: 3000 },
}

async function burdenOf(seed: number, addresses: number): Promise<Burden> {
  const args = ['--no-opt', ...programArgs('./main-work'), String(seed), String(addresses)]
  const answer = await answerOf<Burden>(args, process.env)
  if ('failure' in answer) throw new ScenarioFailure(`With ${addresses} addresses: ${answer.failure}`)
  return answer
}
