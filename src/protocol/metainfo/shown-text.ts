// Text from a torrent's byte strings, which should be UTF-8 and sometimes are not.
import { decodeUtf8Strict, toHex } from '../../base/bytes.ts'
import type { BencodeDict } from '../bencode/index.ts'

/** The text, or `hex:...` where the bytes are not UTF-8: nothing is lost, nothing is guessed. */
export function shownText(bytes: Uint8Array): string {
  return decodeUtf8Strict(bytes) ?? `hex:${toHex(bytes)}`
}

/** Text of a key, `<key>.utf-8` first where it is sound: some clients wrote it beside a text in another encoding. */
export function readText(dict: BencodeDict, key: string): string | null {
  const bytes = readTextBytes(dict, key)
  return bytes === null ? null : shownText(bytes)
}

/** The bytes that `readText` shows. */
export function readTextBytes(dict: BencodeDict, key: string): Uint8Array | null {
  const utf8 = dict.bytes(`${key}.utf-8`)
  return utf8 !== null && utf8.length > 0 && decodeUtf8Strict(utf8) !== null ? utf8 : dict.bytes(key)
}

const MAX_SHOWN_CHARACTERS = 200

/** A path in a message for people: quoted, and cut where it would fill the screen. */
export function shownPath(path: readonly string[]): string {
  let text = ''
  for (const element of path) {
    text += `${text && '/'}${element.slice(0, MAX_SHOWN_CHARACTERS)}`
    if (text.length > MAX_SHOWN_CHARACTERS) return JSON.stringify(`${text.slice(0, MAX_SHOWN_CHARACTERS)}...`)
  }
  return JSON.stringify(text)
}
