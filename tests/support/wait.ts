// Waiting in tests: always for a condition, always with a deadline that says what did not happen.

/** Asks `condition` again and again until its answer is truthy, and returns it. For what has no event to wait for. */
export async function until<Value>(
  what: string,
  condition: () => Value | Promise<Value>,
  timeoutMs = 30_000,
): Promise<Exclude<Value, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value as Exclude<Value, undefined | null | false>
    if (performance.now() > deadline) throw new Error(`${what}: did not happen within ${timeoutMs} ms`)
    await pause(25)
  }
}

/** For loops that poll, and for peers and trackers that are slow on purpose; never in place of a condition. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
