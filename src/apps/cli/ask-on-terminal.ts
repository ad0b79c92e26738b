import { createInterface } from 'node:readline'

/** What is typed in answer to the question; empty when nothing more can be typed. Ctrl+C stays a signal. */
export function askOnTerminal(question: string): Promise<string> {
  process.stderr.write(question)
  const lines = createInterface({ input: process.stdin, terminal: false })
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => resolve(''))
  })
}
