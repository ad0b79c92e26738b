// What the tests transfer: random content that a seed determines, so that it can be made, compared and served
// anywhere without being kept. And the torrents that describe it, made apart from src/.
import { createCipheriv, createHash } from 'node:crypto'
import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bencode, type Bencodable } from './bencode.ts'

const MIB = 1 << 20

export interface PayloadFile {
  /** Below the torrent's folder; empty for a torrent of one file. */
  readonly path: readonly string[]
  readonly length: number
}

export class Payload {
  readonly name: string
  readonly files: readonly PayloadFile[]
  readonly size: number
  readonly #key: Buffer
  #digests: string[] | null = null

  constructor(name: string, seed: string, files: readonly PayloadFile[]) {
    this.name = name
    this.files = files
    this.size = files.reduce((sum, file) => sum + file.length, 0)
    this.#key = createHash('md5').update(seed).digest()
  }

  /** One file. */
  static file(seed: string, size: number, name = 'payload.bin'): Payload {
    return new Payload(name, seed, [{ path: [], length: size }])
  }

  /** `count` files in folders, about `size` bytes together: empty ones, tiny ones, odd sizes, awkward names. */
  static tree(seed: string, size: number, count: number, name = 'payload tree'): Payload {
    const share = Math.floor((size / count) * 1.25)
    const files = Array.from({ length: count }, (_, i): PayloadFile => {
      const folder = [`folder ${i % 7}`, ...(i % 3 === 0 ? ['deeper', `level-${i % 5}`] : [])]
      const file = [
        `${String(i).padStart(4, '0')} ${['plain.bin', 'ünï-cödé.dat', 'two  spaces.txt', '名前.bin'][i % 4]}`,
      ]
      // Of ten files one is empty, one tiny, and the others end on no boundary of anything.
      const length = i % 10 === 3 ? 0 : i % 10 === 7 ? 1 + (i % 19) : share + ((i * 7919) % 4093)
      return { path: [...folder, ...file], length }
    })
    return new Payload(name, seed, files)
  }

  /** Bytes of the content as one stream, files in order. Any offset costs the same. */
  read(offset: number, length: number): Buffer {
    // AES in counter mode: each 16 bytes of its key stream have a number, from which it can be started.
    const counter = Buffer.alloc(16)
    const skip = offset % 16
    counter.writeBigUInt64BE(BigInt((offset - skip) / 16), 8)
    const cipher = createCipheriv('aes-128-ctr', this.#key, counter)
    return cipher.update(Buffer.alloc(skip + length)).subarray(skip)
  }

  /** Where each file lies in the stream, and on disk below `folder`. */
  *places(folder: string): Generator<{ path: string; offset: number; length: number }> {
    let offset = 0
    for (const { path, length } of this.files) {
      yield { path: join(folder, this.name, ...path), offset, length }
      offset += length
    }
  }

  /**
   * Writes the content into `folder`. With `has`, only those pieces: the rest of each file is zeros, as with a
   * client that was interrupted. A file of which nothing is had is not made.
   */
  write(folder: string, pieceLength = MIB, has: (piece: number) => boolean = () => true): void {
    for (const { path, offset, length } of this.places(folder)) {
      const pieces: number[] = []
      const last = Math.floor((offset + length - 1) / pieceLength)
      for (let piece = Math.floor(offset / pieceLength); piece <= last; piece++) if (has(piece)) pieces.push(piece)
      if (pieces.length === 0 && length > 0) continue
      mkdirSync(dirname(path), { recursive: true })
      const file = openSync(path, 'w')
      ftruncateSync(file, length)
      for (const piece of pieces) {
        const start = Math.max(piece * pieceLength, offset)
        const end = Math.min((piece + 1) * pieceLength, offset + length)
        for (let at = start; at < end; at += MIB) {
          writeSync(file, this.read(at, Math.min(MIB, end - at)), 0, undefined, at - offset)
        }
      }
      closeSync(file)
    }
  }

  /** What differs from the content below `folder`, by SHA-256 of each file; an empty list is equality. */
  differences(folder: string, options: { readonly emptyFilesMayMiss?: boolean } = {}): string[] {
    const found: string[] = []
    const buffer = Buffer.alloc(MIB)
    const wanted = this.digests()
    for (const [i, { path, length }] of [...this.places(folder)].entries()) {
      try {
        const file = openSync(path, 'r')
        const actual = createHash('sha256')
        for (let got = readSync(file, buffer); got > 0; got = readSync(file, buffer)) {
          actual.update(buffer.subarray(0, got))
        }
        closeSync(file)
        if (actual.digest('hex') !== wanted[i]) found.push(`${path} differs`)
      } catch (error) {
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
        if (!(missing && length === 0 && options.emptyFilesMayMiss)) found.push(`${path}: ${String(error)}`)
      }
    }
    return found
  }

  /** SHA-256 of each file, hexadecimal. */
  digests(): readonly string[] {
    return (this.#digests ??= [...this.places('')].map(({ offset, length }) => {
      const hash = createHash('sha256')
      for (let at = 0; at < length; at += MIB) hash.update(this.read(offset + at, Math.min(MIB, length - at)))
      return hash.digest('hex')
    }))
  }
}

export interface TestTorrent {
  readonly payload: Payload
  readonly pieceLength: number
  readonly pieceCount: number
  /** 20 bytes. */
  readonly infohash: Buffer
  /** The .torrent file, naming these trackers, each in a tier of its own. */
  readonly file: (trackers?: readonly string[]) => Buffer
}

export function makeTorrent(payload: Payload, pieceLength: number, { isPrivate = false } = {}): TestTorrent {
  const pieces: Buffer[] = []
  for (let start = 0; start < payload.size; start += pieceLength) {
    const end = Math.min(start + pieceLength, payload.size)
    const hash = createHash('sha1')
    for (let at = start; at < end; at += MIB) hash.update(payload.read(at, Math.min(MIB, end - at)))
    pieces.push(hash.digest())
  }
  const single = payload.files.length === 1 && payload.files[0].path.length === 0
  const info: Bencodable = {
    name: payload.name,
    'piece length': pieceLength,
    pieces: Buffer.concat(pieces),
    ...(isPrivate ? { private: 1 } : {}),
    ...(single ? { length: payload.size } : { files: payload.files.map(({ path, length }) => ({ path, length })) }),
  }
  return {
    payload,
    pieceLength,
    pieceCount: pieces.length,
    infohash: createHash('sha1').update(bencode(info)).digest(),
    file: (trackers = []) =>
      trackers.length === 0
        ? bencode({ info })
        : bencode({ announce: trackers[0], 'announce-list': trackers.map((url) => [url]), info }),
  }
}
