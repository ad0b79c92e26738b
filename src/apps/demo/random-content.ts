// Content that nobody has seen before, and that its seed brings back: the key stream of AES in counter mode.
import { createCipheriv, createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

const CHUNK_BYTES = 4 * 1024 * 1024

/** Writes `bytes` of content over the beginning of a file, which is made if it is not there. */
export async function writeRandomContent(path: string, bytes: number, seed: number): Promise<void> {
  const key = createHash('sha256').update(`shoal demo ${seed}`).digest()
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16))
  const zeros = new Uint8Array(CHUNK_BYTES)
  const file = await open(path, 'r+').catch(() => open(path, 'w+'))
  try {
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const chunk = cipher.update(zeros.subarray(0, Math.min(CHUNK_BYTES, bytes - at)))
      await file.writev([chunk], at)
    }
  } finally {
    await file.close()
  }
}
