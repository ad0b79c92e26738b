/** The numbers of the peer wire messages (BEP 3, BEP 6, BEP 10). */
export const MessageId = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20,
} as const

/** Length prefix, id, piece index and offset: what stands before the payload of a `piece` message. */
export const PIECE_HEADER_BYTES = 13
