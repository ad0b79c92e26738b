// Typed events for the public API. Inside the engine, objects call their owner's `onX` instead.

export type Listener<Payload> = (payload: Payload) => void

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()

  /** Calls `listener` on each `event` from now on; the returned function takes it off again. */
  on<Name extends keyof Events>(event: Name, listener: Listener<Events[Name]>): () => void {
    let listeners = this.#listeners.get(event)
    if (!listeners) this.#listeners.set(event, (listeners = new Set()))
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  emit<Name extends keyof Events>(event: Name, payload: Events[Name]): void {
    const listeners = this.#listeners.get(event)
    if (!listeners) return
    for (const listener of listeners) {
      try {
        ;(listener as Listener<Events[Name]>)(payload)
      } catch (error) {
        // The application's mistake: neither the others who listen nor the engine that speaks may suffer from it.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
