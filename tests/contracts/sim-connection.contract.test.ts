// The simulated network keeps the contract of connections, in virtual time: on a line without limits, and on one that is long
// and loses packets.
import { onTestFinished } from 'vitest'
import { Simulator, type NodeOptions } from '../../src/sim/index.ts'
import { connectionContract, type ConnectionWorld } from './connection.contract.ts'

/** Lets time pass in the simulated world until the test is over. */
function simulatedWorld(options: NodeOptions, delayMs: number, segmentBytes: number): ConnectionWorld {
  const sim = new Simulator({ seed: 1, content: 'bytes', delayMs: () => delayMs, segmentBytes })
  const [listening, dialling] = ['10.0.0.1', '10.0.0.2'].map((ip) => sim.node(ip, options).platform.network)
  let isOver = false
  onTestFinished(() => {
    isOver = true
  })
  const passTime = (): Promise<void> =>
    sim.run({ untilMs: sim.nowMs + 1000, until: () => isOver }).then(() => (isOver ? undefined : passTime()))
  void passTime()
  return {
    ip: '10.0.0.1',
    diallerIp: '10.0.0.2',
    network: {
      listen: (where, onConnection) => listening.listen(where, onConnection),
      connect: (remote, from, handler) => dialling.connect(remote, from, handler),
    },
  }
}

connectionContract('The simulated network, fast and near,', () => simulatedWorld({}, 0.1, 16_384))
connectionContract('The simulated network, far and losing packets,', () =>
  simulatedWorld({ up: 20_000_000, down: 20_000_000, queueBytes: 262_144, loss: 0.002 }, 20, 16_384),
)
