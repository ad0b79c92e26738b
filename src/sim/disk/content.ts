// The contents that a swarm shares: every block follows from the seed and its position, so nobody need store it. Makes the
// torrent of the same blocks, puts the contents on a simulated disk, and tells whether a disk has them.
import { equalBytes } from '../../base/bytes.ts'
import { Bitfield } from '../../base/bitfield.ts'
import { sha1 } from '../../base/digest.ts'
import { BLOCK_BYTES, encodeTorrent } from '../../protocol/metainfo/index.ts'
import type { SimDisk } from './sim-disk.ts'
import { PAGE_BYTES, type Page } from './sim-file.ts'
import { storedBlockBytes, storedLength, storedOffset, type ContentKind } from './stored-form.ts'

const SHA1_BYTES = 20

export interface SimContentOptions {
  /** What of the contents is real, the same as the disks'. Default 'tags'. */
  readonly kind?: ContentKind
  /** Other seeds make other contents. An integer; default 1. */
  readonly seed?: number
  /** Name of the file, or of the top folder. Default 'content'. */
  readonly name?: string
  /** Bytes of the single file, or the files of the folder. With tags, all files but the last are whole blocks. */
  readonly files: number | readonly { readonly path: string; readonly length: number }[]
  /** Bytes of a piece, a multiple of 16 KiB. Default 262,144. */
  readonly pieceBytes?: number
  /** Tiers of URLs. */
  readonly trackers?: readonly (readonly string[])[]
}

interface ContentFile {
  /** Below the folder that the torrent is saved in. */
  readonly path: string
  /** Stored position of its first byte within the whole. */
  readonly storedBegin: number
  readonly length: number
}

export class SimContent {
  readonly kind: ContentKind
  readonly totalBytes: number
  readonly pieceBytes: number
  /** Bytes of the .torrent file. */
  readonly torrent: Uint8Array
  readonly #seed: number
  readonly #files: readonly ContentFile[]
  /** Of each file, shared by all disks that hold it. Made on first use. */
  readonly #pages = new Map<ContentFile, readonly Page[]>()

  constructor(options: SimContentOptions) {
    const { kind = 'tags', seed = 1, name = 'content', files, pieceBytes = 262_144, trackers } = options
    this.kind = kind
    this.#seed = seed
    this.pieceBytes = pieceBytes
    const listed = typeof files === 'number' ? [{ path: '', length: files }] : files
    let begin = 0
    this.#files = listed.map(({ path, length }) => {
      const file = { path: path === '' ? name : `${name}/${path}`, storedBegin: storedOffset(kind, begin), length }
      begin += length
      return file
    })
    this.totalBytes = begin
    this.torrent = encodeTorrent({
      name,
      content: typeof files === 'number' ? files : files.map(({ path, length }) => ({ path: path.split('/'), length })),
      pieceLength: pieceBytes,
      pieceHashes: this.#pieceHashes(),
      trackers,
    })
  }

  /** What is kept of a block of the whole: its tag, or all its bytes. */
  block(index: number): Uint8Array {
    const block = new Uint8Array(storedBlockBytes(this.kind))
    fillBlock(this.#seed, index, block)
    return block.subarray(0, storedLength(this.kind, Math.min(BLOCK_BYTES, this.totalBytes - index * BLOCK_BYTES)))
  }

  /** Puts all files, complete and synced, below `folder`. The disk keeps no copy of its own. */
  fill(disk: SimDisk, folder: string): void {
    const { files } = disk.device(folder)
    for (const file of this.#files) {
      const path = pathIn(folder, file)
      files.make(path, this.kind).share(this.#pagesOf(file), file.length)
      files.sync(path)
    }
  }

  /** Whether all files below `folder` are there with the right bytes. */
  isComplete(disk: SimDisk, folder: string): boolean {
    const { files } = disk.device(folder)
    const found = new Uint8Array(PAGE_BYTES)
    return this.#files.every((file) => {
      const stored = files.find(pathIn(folder, file))
      if (stored?.kind !== this.kind || stored.length !== file.length) return false
      return this.#pagesOf(file).every((page, i) => {
        if (stored.page(i) === page) return true
        stored.read(i * PAGE_BYTES, found)
        return equalBytes(found, page.bytes)
      })
    })
  }

  #pieceHashes(): Uint8Array {
    const pieces = Math.ceil(this.totalBytes / this.pieceBytes)
    const hashes = new Uint8Array(pieces * SHA1_BYTES)
    const stored = new Uint8Array(storedLength(this.kind, this.pieceBytes))
    for (let piece = 0; piece < pieces; piece++) {
      const begin = piece * this.pieceBytes
      const length = storedLength(this.kind, Math.min(this.pieceBytes, this.totalBytes - begin))
      const target = stored.subarray(0, length)
      this.#fillFrom(storedOffset(this.kind, begin), target)
      hashes.set(sha1(target), piece * SHA1_BYTES)
    }
    return hashes
  }

  #pagesOf(file: ContentFile): readonly Page[] {
    let pages = this.#pages.get(file)
    if (!pages) this.#pages.set(file, (pages = this.#makePages(file)))
    return pages
  }

  #makePages({ storedBegin, length }: ContentFile): Page[] {
    const stored = storedLength(this.kind, length)
    const blockBytes = storedBlockBytes(this.kind)
    return Array.from({ length: Math.ceil(stored / PAGE_BYTES) }, (_, i) => {
      const begin = i * PAGE_BYTES
      const bytes = new Uint8Array(PAGE_BYTES)
      const filled = bytes.subarray(0, Math.min(PAGE_BYTES, stored - begin))
      this.#fillFrom(storedBegin + begin, filled)
      const written = new Bitfield(PAGE_BYTES / blockBytes)
      for (let block = 0; block * blockBytes < filled.length; block++) written.set(block)
      return { bytes, written, isShared: true }
    })
  }

  /** Stored bytes of the whole from `begin` until `target` is full. */
  #fillFrom(begin: number, target: Uint8Array): void {
    const block = new Uint8Array(storedBlockBytes(this.kind))
    for (let done = 0; done < target.length;) {
      const inBlock = (begin + done) % block.length
      fillBlock(this.#seed, (begin + done - inBlock) / block.length, block)
      const count = Math.min(block.length - inBlock, target.length - done)
      target.set(block.subarray(inBlock, inBlock + count), done)
      done += count
    }
  }
}

function pathIn(folder: string, file: ContentFile): string {
  return folder.endsWith('/') ? folder + file.path : `${folder}/${file.path}`
}

/** A stream of its own for each block (xorshift32 from a mixed start); a tag is its beginning. */
function fillBlock(seed: number, index: number, target: Uint8Array): void {
  let state = mix(mix(seed ^ 0x5bf03635) + index) || 1
  for (let i = 0; i < target.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    target[i] = state >>> 24
  }
}

/** The final steps of MurmurHash3: every bit of the number changes about half of the result's. */
function mix(number: number): number {
  let hash = number | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
