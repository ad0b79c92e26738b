import { expect, onTestFinished, test } from 'vitest'
import { settled } from '../../tests/support/fake-clock.ts'
import { Emitter } from './emitter.ts'

interface Events {
  greeting: string
  number: number
}

test('who listens hears, in the order of coming, and only what it asked for', () => {
  const emitter = new Emitter<Events>()
  const heard: string[] = []
  emitter.on('greeting', (text) => heard.push(`first ${text}`))
  emitter.on('greeting', (text) => heard.push(`second ${text}`))
  emitter.emit('greeting', 'hello')
  emitter.emit('number', 1)
  expect(heard).toEqual(['first hello', 'second hello'])
})

test('who has been taken off hears nothing more, even in the middle of an event', () => {
  const emitter = new Emitter<Events>()
  const heard: string[] = []
  const off: (() => void)[] = []
  off.push(emitter.on('number', () => off.forEach((each) => each())))
  off.push(emitter.on('number', () => heard.push('second')))
  emitter.emit('number', 1)
  emitter.emit('number', 2)
  expect(heard).toEqual([])
})

test('a listener that throws harms neither the others nor the one who speaks; its error comes up afterwards', async () => {
  const emitter = new Emitter<Events>()
  const heard: number[] = []
  const uncaught: unknown[] = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error))
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  })
  const mistake = new Error('of the application')
  emitter.on('number', () => {
    throw mistake
  })
  emitter.on('number', (value) => heard.push(value))
  emitter.emit('number', 7)
  expect([heard, uncaught]).toEqual([[7], []])
  await settled()
  expect(uncaught).toEqual([mistake])
})
