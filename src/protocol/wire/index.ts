export { allowedFastSet } from './allowed-fast.ts'
export { WireDecoder, type WireHandler } from './decoder.ts'
export { encodePieceHeader, WireEncoder } from './encoder.ts'
export {
  decodeExtensionHandshake,
  encodeExtensionHandshake,
  EXTENSION_HANDSHAKE_ID,
  type ExtensionHandshake,
} from './extensions/extension-handshake.ts'
export { decodeUploadOnly, encodeUploadOnly, UPLOAD_ONLY } from './extensions/upload-only.ts'
export {
  type Capabilities,
  decodeHandshakeHead,
  encodeHandshake,
  HANDSHAKE_BYTES,
  HANDSHAKE_HEAD_BYTES,
  opensAsHandshake,
} from './handshake.ts'
export { MessageId, PIECE_HEADER_BYTES } from './message-id.ts'
