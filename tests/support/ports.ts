// Ports for programs that must be told theirs. Below the range from which systems take ports for outgoing
// connections, so that no connection of another test sits on one.
import { createServer, connect } from 'node:net'
import { until } from './wait.ts'
import type { Program } from './program.ts'

let next = 20_000 + Math.floor(Math.random() * 8000)

/** A TCP port that nobody listens on, on any address of this machine. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next++
    if (next > 30_000) next = 20_000
    if ((await canListen(port, '0.0.0.0')) && (await canListen(port, '127.0.0.1'))) return port
  }
}

/** Resolves when somebody accepts connections at 127.0.0.1:`port`; fails when `program` ends first. */
export async function listening(program: Program, port: number, timeoutMs = 20_000): Promise<void> {
  await until(
    `${program.name} listens on port ${port}`,
    () => {
      if (!program.alive) throw new Error(`${program.name} ended before it listened\n${program.log}`)
      return accepts(port)
    },
    timeoutMs,
  )
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
