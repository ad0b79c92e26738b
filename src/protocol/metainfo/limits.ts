// What a torrent may cost us at most. Real torrents stay far below; beyond, reading fails with a typed error.

/** A .torrent file. */
export const MAX_TORRENT_BYTES = 64 * 1024 * 1024
/** Bencoded values of a .torrent file: some six for each file of the torrent. */
export const MAX_TORRENT_ITEMS = 1_500_000
/** Files, pad files included. */
export const MAX_FILES = 200_000
/** Elements of the paths of all files of a v2 torrent: there a folder's name stands once, but is an element of each file below. */
export const MAX_ALL_PATH_ELEMENTS = 2_000_000
/** Elements of a path. */
export const MAX_PATH_ELEMENTS = 100
/** v1 pieces, and v2 pieces. 2 million pieces of 512 MiB are 1 PiB, so that every offset is an exact number. */
export const MAX_PIECES = 2 ** 21
/** Bytes. */
export const MAX_PIECE_LENGTH = 512 * 1024 * 1024
/** BEP 52: v2 pieces are powers of two, at least a block. v1 pieces may be anything from 1 byte. */
export const MIN_V2_PIECE_LENGTH = 16_384
/** Trackers, web seeds, HTTP seeds, nodes: of each, those beyond are ignored. */
export const MAX_URLS = 1_000
/** UTF-8 bytes of one URL; longer ones are ignored. */
export const MAX_URL_BYTES = 8_192
