import { expect, test } from 'vitest'
import { LiveArea } from './live-area.ts'

/** As much of a terminal as the area uses: rows of characters, a cursor, folding of long lines. */
class Terminal {
  columns: number
  rows = 24
  isCursorShown = true
  writes = 0
  shown: string[] = ['']
  #row = 0
  #column = 0

  constructor(columns: number) {
    this.columns = columns
  }

  write(text: string): void {
    this.writes++
    // oxlint-disable-next-line no-control-regex -- it reads control sequences
    for (const token of text.match(/\u001b\[\??[\d;]*[A-Za-z]|[^\u001b]/g) ?? []) this.#apply(token)
  }

  #apply(token: string): void {
    const line = this.shown[this.#row]
    if (token === '\r') this.#column = 0
    else if (token === '\n') {
      this.#row++
      this.#column = 0
      this.shown[this.#row] ??= ''
    } else if (token === '\u001b[?25l') this.isCursorShown = false
    else if (token === '\u001b[?25h') this.isCursorShown = true
    else if (token === '\u001b[K') this.shown[this.#row] = line.slice(0, this.#column)
    else if (token === '\u001b[J') this.shown = [...this.shown.slice(0, this.#row), line.slice(0, this.#column)]
    else if (token.endsWith('A')) {
      this.#row -= Number(token.slice(2, -1))
      if (this.#row < 0) throw new Error('The cursor left the screen')
    } else if (!token.startsWith('\u001b')) {
      this.shown[this.#row] = line.slice(0, this.#column) + token + line.slice(this.#column + 1)
      this.#column++
    }
  }

  /** As terminals do when their window becomes narrower: long lines are folded, and the cursor stays at the end. */
  narrow(columns: number): void {
    this.columns = columns
    this.shown = this.shown.flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''])
    this.#row = this.shown.length - 1
  }
}

test('lines are rewritten in place', () => {
  const terminal = new Terminal(80)
  const area = new LiveArea(terminal)
  area.update(['one', 'two'])
  area.update(['three', 'four'])
  expect(terminal.shown).toEqual(['three', 'four', ''])
})

test('fewer lines leave nothing of those before', () => {
  const terminal = new Terminal(80)
  const area = new LiveArea(terminal)
  area.update(['one', 'two', 'three'])
  area.update(['four'])
  expect(terminal.shown).toEqual(['four', ''])
})

test('messages stay above the live lines', () => {
  const terminal = new Terminal(80)
  const area = new LiveArea(terminal)
  area.update(['50 %'])
  area.print('first')
  area.update(['60 %'])
  area.print('second')
  expect(terminal.shown).toEqual(['first', 'second', '60 %', ''])
})

test('the cursor is hidden while lines are live, and comes back', () => {
  const terminal = new Terminal(80)
  const area = new LiveArea(terminal)
  area.print('a message alone needs no hidden cursor')
  expect(terminal.isCursorShown).toBe(true)
  area.update(['50 %'])
  expect(terminal.isCursorShown).toBe(false)
  area.close()
  expect(terminal.isCursorShown).toBe(true)
  expect(terminal.shown).toEqual(['a message alone needs no hidden cursor', ''])
  area.print('and one after it')
  expect(terminal.shown).toEqual(['a message alone needs no hidden cursor', 'and one after it', ''])
})

test('the same lines are not written again', () => {
  const terminal = new Terminal(80)
  const area = new LiveArea(terminal)
  area.update(['one', 'two'])
  const { writes } = terminal
  area.update(['one', 'two'])
  expect(terminal.writes).toBe(writes)
})

test('after the window became narrower, folded lines are replaced as a whole', () => {
  const terminal = new Terminal(40)
  const area = new LiveArea(terminal)
  area.print('message')
  area.update(['x'.repeat(39), 'y'.repeat(10)])
  terminal.narrow(15)
  expect(terminal.shown).toHaveLength(6)
  area.update(['x'.repeat(area.columns), 'y'])
  expect(terminal.shown).toEqual(['message', 'x'.repeat(14), 'y', ''])
})

test('colours take no room', () => {
  const terminal = new Terminal(10)
  const area = new LiveArea(terminal)
  area.print('message')
  area.update(['\u001b[32m123456789\u001b[39m'])
  area.update(['done'])
  expect(terminal.shown).toEqual(['message', 'done', ''])
})

test('more lines than the window has rows are cut', () => {
  const terminal = new Terminal(80)
  terminal.rows = 3
  new LiveArea(terminal).update(['1', '2', '3', '4'])
  expect(terminal.shown).toEqual(['1', '2', ''])
})
