// What the commands share that ask a torrent's trackers something: `peers` and `scrape`.
import type { Command } from 'commander'
import type { Magnet, Metainfo } from '../../../index.ts'
import { EXIT_FAILED } from '../command-error.ts'
import type { Context } from '../context.ts'
import type { Engine } from '../engine.ts'
import { parseBinding } from '../options/values.ts'
import { isLink, readTorrent } from '../torrent-input.ts'
import { printableJson } from '../view/printable.ts'

const TIMEOUT_MS = 15_000

interface QuestionFlags {
  readonly bind?: string
  readonly json?: boolean
}

interface QuestionOptions {
  readonly bind: string | undefined
  readonly timeoutMs: number
}

interface Question<Answer> {
  ask(engine: Engine, torrent: Metainfo | Magnet, options: QuestionOptions): Promise<Answer>
  /** One for each tracker that was asked: did it answer? */
  answered(answer: Answer): readonly boolean[]
  toJson(answer: Answer): unknown
  write(answer: Answer, context: Context): void
}

export function defineQuestion(command: Command, help: string): void {
  command
    .argument('<torrent>', 'a torrent file, the http(s) URL of one, or a magnet link')
    .option('--bind <address>', 'IP or interface to ask from (default: the system chooses)', parseBinding)
    .option('--json', 'write the result as JSON on stdout')
    .addHelpText('after', `\n${help}`)
}

/** Asks, writes the answer, and returns the exit code. */
export async function runQuestion<Answer>(
  command: Command,
  context: Context,
  question: Question<Answer>,
): Promise<number> {
  const { bind, json } = command.opts<QuestionFlags>()
  const engine = await context.loadEngine()
  const torrent = await readLinkOrTorrent(command.args[0], engine, context, bind)
  const answer = await context.stop.orInterrupted(question.ask(engine, torrent, { bind, timeoutMs: TIMEOUT_MS }))
  const answered = question.answered(answer)
  if (json === true) context.stdout.write(`${printableJson(question.toJson(answer))}\n`)
  else {
    question.write(answer, context)
    if (answered.length === 0) context.stderr.write('This torrent names no trackers\n')
  }
  return answered.includes(true) ? 0 : EXIT_FAILED
}

async function readLinkOrTorrent(
  source: string,
  engine: Engine,
  context: Context,
  bind: string | undefined,
): Promise<Metainfo | Magnet> {
  if (isLink(source)) return engine.parseMagnet(source)
  return engine.parseTorrent(await readTorrent(source, engine, context, bind))
}
