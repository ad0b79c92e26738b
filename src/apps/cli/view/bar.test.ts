import { expect, test } from 'vitest'
import { renderBar, renderPieceStrip } from './bar.ts'
import { plainStyle } from './style.ts'

const style = plainStyle()

/** `#` have, `-` under way, anything else missing. */
function pieces(drawn: string): Uint8Array {
  return Uint8Array.from(drawn, (character) => (character === '#' ? 2 : character === '-' ? 1 : 0))
}

test('a bar moves in eighths of a column', () => {
  expect([0, 1 / 80, 0.5, 0.51, 79 / 80, 1].map((fraction) => renderBar(fraction, 10, style))).toEqual([
    '░░░░░░░░░░',
    '▏░░░░░░░░░',
    '█████░░░░░',
    '█████░░░░░',
    '█████████▉',
    '██████████',
  ])
})

test('a bar is full only when all is there', () => {
  expect(renderBar(0.9999, 4, style)).toBe('███▉')
})

test('a bar of ASCII moves in columns', () => {
  expect(renderBar(0.55, 10, plainStyle(false))).toBe('#####.....')
})

test('each piece has its column when there is room', () => {
  expect(renderPieceStrip(pieces('##- .'), 80, style)).toBe('██▁··')
})

test('many pieces share a column, which shows what part of them is there', () => {
  expect(renderPieceStrip(pieces('############    #               '), 4, style)).toBe('█▄▁·')
})

test('a column is full only when all of its pieces are there', () => {
  const states = new Uint8Array(100_000).fill(2)
  states[99_999] = 0
  expect(renderPieceStrip(states, 4, style)).toBe('███▇')
})

test('pieces that do not divide evenly are all shown', () => {
  for (const count of [1, 7, 79, 80, 81, 1000]) {
    const states = new Uint8Array(count)
    states[count - 1] = 2
    const strip = renderPieceStrip(states, 80, style)
    expect(strip.length).toBe(Math.min(80, count))
    expect(strip.at(-1)).not.toBe('·')
  }
})

test('a torrent without pieces has no strip', () => {
  expect(renderPieceStrip(new Uint8Array(), 80, style)).toBe('')
})

test('pieces under way have another colour', () => {
  const marked = { ...style, busy: (text: string) => `<${text}>` }
  expect(renderPieceStrip(pieces('#-- ##'), 3, marked)).toBe('<▄><▁>█')
})
