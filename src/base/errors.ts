// Errors say who must react. Each carries a stable `code` for programs and a message for people:
// the action that failed and the value that made it fail.

/** Bytes or text that are not what they claim to be: a torrent, a magnet link, a message. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** One peer broke the protocol or failed: close it, nobody else is concerned. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A tracker did not answer, or answered nonsense or a refusal: it is asked again later. */
export class TrackerError extends Error {
  override readonly name = 'TrackerError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The disk refused: stops one torrent, with a reason a person can act on. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: string
  readonly path: string
  constructor(code: string, message: string, path: string) {
    super(message)
    this.code = code
    this.path = path
  }
}

/** A connection, a listener or a request over the network failed. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** What is kept of earlier runs cannot be used: it is in use, or not what it claims to be. */
export class StateError extends Error {
  override readonly name = 'StateError'
  readonly code: string
  readonly path: string
  constructor(code: string, message: string, path: string) {
    super(message)
    this.code = code
    this.path = path
  }
}
