// What a part of the program tells whoever looks for a fault. Written by the application, never by the library.

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

export interface LogRecord {
  readonly level: LogLevel
  /** The part that speaks: `tracker`, `peer`, `disk`. */
  readonly scope: string
  readonly message: string
}

export type Log = (record: LogRecord) => void
