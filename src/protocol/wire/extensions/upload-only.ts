// The message by which a peer says, in the middle of a conversation, that it wants nothing (any more) or something again
// (BEP 21 has the word in the extension handshake alone; libtorrent made the message, under the same name).
import { PeerError } from '../../../base/errors.ts'

/** The extension's name in the handshake. */
export const UPLOAD_ONLY = 'upload_only'

export function encodeUploadOnly(isUploadOnly: boolean): Uint8Array {
  return Uint8Array.of(isUploadOnly ? 1 : 0)
}

/** Throws PeerError `bad_upload_only` when it is not one byte. */
export function decodeUploadOnly(payload: Uint8Array): boolean {
  if (payload.length !== 1)
    throw new PeerError('bad_upload_only', `An upload_only message has ${payload.length} bytes instead of 1`)
  return payload[0] !== 0
}
