// The one thing that a simulation needs from outside: the turn of the promises that have been settled.

/** Ends when everything that waits for settled promises has run, however long the chain of waits is. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
