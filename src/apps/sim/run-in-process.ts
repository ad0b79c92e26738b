// Runs one scenario in a process of its own, which answers with a line of JSON.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { RunResult } from './run-all.ts'
import type { RunRequest } from './run-one.ts'

/** A swarm of 1,000 must do with 4 GiB; what lives short is collected cheaply where there is room for it (a sixth of all time). */
const NODE_FLAGS = ['--max-old-space-size=4096', '--max-semi-space-size=64']

export function runInProcess({ scenario, seed, peers, settings = {} }: RunRequest): Promise<RunResult> {
  const args = [
    ...NODE_FLAGS,
    ...programArgs('./main'),
    scenario.name,
    '--json',
    '--seed',
    String(seed),
    ...(peers === undefined ? [] : ['--peers', String(peers)]),
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
  ]
  return answerOf(args, process.env)
}

/** What a program of ours, run with these arguments, prints on its first line, as JSON. */
export function answerOf<Answer>(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Answer | { failure: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.once('error', (error) => resolve({ failure: error.message }))
    child.once('close', (code, signal) => {
      const line = text.split('\n', 1)[0]
      resolve(line === '' ? { failure: `the process ended with ${signal ?? code}` } : (JSON.parse(line) as Answer))
    })
  })
}

/** A program beside this file, built or in source. */
export function programArgs(name: string): string[] {
  const isSource = import.meta.url.endsWith('.ts')
  const path = fileURLToPath(new URL(name + (isSource ? '.ts' : '.js'), import.meta.url))
  return isSource ? ['--import=tsx', path] : [path]
}
