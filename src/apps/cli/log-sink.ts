// Where the log of a session goes: lines on stderr, or appended to a file.
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import type { LogLevel, LogRecord } from '../../index.ts'
import { printable } from './view/printable.ts'

const SEVERITY: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

export interface LogSink {
  readonly write: (record: LogRecord) => void
  /** Waits until all lines are in the file. */
  close(): Promise<void>
}

export interface LogSinkOptions {
  readonly level: LogLevel
  /** Appended to; absent for `toStderr`. */
  readonly file?: string
  readonly toStderr: (line: string) => void
  /** Unix milliseconds. */
  readonly wall: () => number
}

/** Rejects with the system's error when the file cannot be written. */
export async function openLogSink({ level, file, toStderr, wall }: LogSinkOptions): Promise<LogSink> {
  const isWanted = (record: LogRecord): boolean => SEVERITY[record.level] <= SEVERITY[level]
  if (file === undefined) {
    const write = (record: LogRecord): void => {
      if (isWanted(record)) toStderr(`${record.level}: ${record.scope}: ${record.message}`)
    }
    return { write, close: async () => {} }
  }
  const handle = await open(file, 'a')
  const stream = createWriteStream(file, { fd: handle })
  // A log that can no longer be written must not end the transfer that it describes.
  stream.on('error', (error) => toStderr(`error: log: Cannot write the log: ${error.message}`))
  const write = (record: LogRecord): void => {
    if (!isWanted(record) || stream.errored) return
    const time = new Date(wall()).toISOString()
    stream.write(`${time} ${record.level} ${record.scope}: ${printable(record.message)}\n`)
  }
  const close = async (): Promise<void> => {
    stream.end()
    await finished(stream).catch(() => {})
  }
  return { write, close }
}
