import { expect, test } from 'vitest'
import { plainStyle } from '../view/style.ts'
import { EventText } from './event-text.ts'

const dropped = (address: string, reason: string, message: string) =>
  ({ event: 'peer_dropped', address, reason, message }) as const

test('a dropped peer is named, with the reason in words', () => {
  const text = new EventText(plainStyle())
  expect(text.of(dropped('10.0.0.1:1', 'corrupt_data', 'The peer sent wrong data for piece 3'))).toBe(
    'Dropped peer 10.0.0.1:1: The peer sent wrong data for piece 3',
  )
})

test('the same reason for the same peer is told once, another reason or peer is news', () => {
  const text = new EventText(plainStyle())
  text.of(dropped('10.0.0.1:1', 'corrupt_data', 'piece 3'))
  expect(text.of(dropped('10.0.0.1:1', 'corrupt_data', 'piece 4'))).toBeNull()
  expect(text.of(dropped('10.0.0.1:1', 'silent', 'no answer'))).not.toBeNull()
  expect(text.of(dropped('10.0.0.2:1', 'corrupt_data', 'piece 3'))).not.toBeNull()
})

test('a peer that just left is nothing to tell', () => {
  expect(new EventText(plainStyle()).of(dropped('10.0.0.1:1', 'left', 'gone'))).toBeNull()
})

test('a warning that comes again and again is told once', () => {
  const text = new EventText(plainStyle())
  const warning = { event: 'warning', code: 'tracker_failed', message: 'http://t: no answer' } as const
  expect(text.of(warning)).toBe('Warning: http://t: no answer')
  expect(text.of(warning)).toBeNull()
  expect(text.of({ ...warning, message: 'http://t: refused' })).not.toBeNull()
})

test('what it remembers is bounded', () => {
  const text = new EventText(plainStyle())
  for (let i = 0; i <= 1000; i++) text.of({ event: 'warning', code: 'x', message: String(i) })
  expect(text.of({ event: 'warning', code: 'x', message: '0' })).not.toBeNull()
})

test('events that are figures have no text', () => {
  expect(new EventText(plainStyle()).of({ event: 'stopped' })).toBeNull()
})
