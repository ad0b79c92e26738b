// How many columns a text takes on a terminal: most characters one, East Asian wide ones and emoji two, combining ones none.
// An approximation of Unicode's East Asian Width, good enough to keep lines from wrapping; the text must be `printable`.

const NO_WIDTH = /^(?:\p{Mn}|\p{Me}|\u200c|\u200d|[\ufe00-\ufe0f])$/u
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u
const ASCII = /^[\u0020-\u007e]*$/

/** Columns of a text without escape sequences. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  let columns = 0
  for (const character of text) columns += characterWidth(character)
  return columns
}

/** The text, or as much of its beginning and end as fits into `columns` with an ellipsis between: both tell files apart. */
export function fitWidth(text: string, columns: number, ellipsis = '…'): string {
  if (displayWidth(text) <= columns) return text
  const room = columns - displayWidth(ellipsis)
  if (room <= 0) return takeColumns(Array.from(text), columns).join('')
  const characters = Array.from(text)
  const head = takeColumns(characters, Math.ceil(room / 2))
  const rest = characters.slice(head.length).reverse()
  const tail = takeColumns(rest, room - displayWidth(head.join(''))).reverse()
  return `${head.join('')}${ellipsis}${tail.join('')}`
}

function characterWidth(character: string): number {
  if (NO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

function takeColumns(characters: readonly string[], columns: number): string[] {
  const taken: string[] = []
  let used = 0
  for (const character of characters) {
    used += characterWidth(character)
    if (used > columns) break
    taken.push(character)
  }
  return taken
}
