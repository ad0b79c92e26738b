// Looks at a file without keeping the thread: its drive may hang. By way of callbacks, which cost a third of what Node's promises
// do: a program may begin with thousands of torrents.
import fs from 'node:fs'

/** Rejects with the system's error. */
export function statLater(path: string): Promise<fs.Stats> {
  return new Promise((resolve, reject) => {
    fs.stat(path, (error, info) => (error ? reject(error) : resolve(info)))
  })
}

/** With times in whole nanoseconds. Rejects with the system's error. */
export function exactStatLater(path: string): Promise<fs.BigIntStats> {
  return new Promise((resolve, reject) => {
    fs.stat(path, { bigint: true }, (error, info) => (error ? reject(error) : resolve(info)))
  })
}
