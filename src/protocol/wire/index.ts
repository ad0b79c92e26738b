export { allowedFastSet } from './allowed-fast.ts'
export { WireDecoder, type WireHandler } from './decoder.ts'
export { encodePieceHeader, WireEncoder } from './encoder.ts'
export {
  decodeExtensionHandshake,
  encodeExtensionHandshake,
  EXTENSION_HANDSHAKE_ID,
  type ExtensionHandshake,
} from './extensions/extension-handshake.ts'
export {
  decodeMetadataMessage,
  encodeMetadataPart,
  encodeMetadataReject,
  encodeMetadataRequest,
  METADATA_PART_BYTES,
  type MetadataMessage,
  metadataParts,
  UT_METADATA,
} from './extensions/ut-metadata.ts'
export {
  decodePex,
  encodePex,
  MAX_PEX_PEERS,
  type PexFlags,
  type PexMessage,
  type PexPeer,
  UT_PEX,
} from './extensions/ut-pex.ts'
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
