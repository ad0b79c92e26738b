/** For what only a bug of ours can break. What a stranger sends is validated at the door and never asserted. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`)
}
