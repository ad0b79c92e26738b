// Makes text that a stranger wrote (names in torrents, tracker messages, peers' client names) safe to show:
// an escape sequence in a file name must not move the cursor, and a bidirectional override must not reverse a line.

// C0, DEL and C1 controls, direction marks and overrides, line separators, byte order mark, annotation and tag characters,
// half surrogate pairs.
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- control characters are what it is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu
const NOT_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** The text on one line: tabs and line breaks become spaces, all else that is not to be seen becomes U+FFFD. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (/[\t\n\r\u2028\u2029]/.test(character) ? ' ' : '\ufffd'))
}

/** JSON on one line that is as safe as `printable`, and reads back as the same value. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    NOT_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
