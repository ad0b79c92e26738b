// What the tracker has been asked since it started, counted for its statistics page.

export class Traffic {
  /** Announces answered, by protocol. */
  readonly announces = { http: 0, udp: 0 }
  /** Scrapes answered, by protocol. */
  readonly scrapes = { http: 0, udp: 0 }
  /** Connection ids given out (UDP). */
  connects = 0
  /** Requests answered by an error, by its code. */
  readonly refusals = new Map<string, number>()
  /** Datagrams that nobody answers: no requests, or what cannot be answered without amplifying. */
  ignored = 0

  /** `code` is one of the tracker's own: there are few. */
  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }
}
