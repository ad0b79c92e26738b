import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bitfield } from './bitfield.ts'

test('bit 0 is the highest bit of the first byte', () => {
  const field = new Bitfield(10)
  field.set(0)
  field.set(9)
  expect(field.bytes).toEqual(new Uint8Array([0x80, 0x40]))
})

test('setting or clearing twice counts once', () => {
  const field = new Bitfield(9)
  field.set(8)
  field.set(8)
  expect(field.count).toBe(1)
  field.clear(8)
  field.clear(8)
  expect([field.count, field.has(8)]).toEqual([0, false])
})

test('a full field has no spare bits set', () => {
  for (const size of [0, 1, 7, 8, 9, 16, 1000]) {
    const field = Bitfield.full(size)
    expect([field.count, field.isFull, field.firstClear()]).toEqual([size, true, -1])
    expect(Bitfield.fromBytes(size, field.bytes)?.count).toBe(size)
  }
})

test('wire bytes of a wrong length, or with a spare bit set, are refused', () => {
  expect(Bitfield.fromBytes(10, new Uint8Array(1))).toBeNull()
  expect(Bitfield.fromBytes(10, new Uint8Array(3))).toBeNull()
  expect(Bitfield.fromBytes(10, new Uint8Array([0, 0x20]))).toBeNull()
  expect(Bitfield.fromBytes(10, new Uint8Array([0, 0x40]))?.has(9)).toBe(true)
  expect(Bitfield.fromBytes(8, new Uint8Array([0x01]))?.has(7)).toBe(true)
})

test('a copy, and a field from wire bytes, have memory of their own', () => {
  const bytes = new Uint8Array([0x80])
  const field = Bitfield.fromBytes(8, bytes)!
  const copy = field.copy()
  bytes[0] = 0
  field.clear(0)
  expect([copy.has(0), copy.count]).toEqual([true, 1])
})

test('it agrees with a list of booleans, whatever is done to it', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(40)), { maxLength: 100 })
  fc.assert(
    fc.property(fc.integer({ min: 41, max: 60 }), steps, (size, steps) => {
      const field = new Bitfield(size)
      const model = Array<boolean>(size).fill(false)
      for (const [value, index] of steps) {
        if (value) field.set(index)
        else field.clear(index)
        model[index] = value
      }
      expect(model.map((_, index) => field.has(index))).toEqual(model)
      expect(field.count).toBe(model.filter(Boolean).length)
      const visited: number[] = []
      field.forEachSet((index) => visited.push(index))
      expect(visited).toEqual(model.flatMap((value, index) => (value ? [index] : [])))
      for (const from of [0, 5, 8, 40]) expect(field.firstClear(from)).toBe(model.indexOf(false, from))
    }),
  )
})

test('two fields are compared and joined as lists of booleans are', () => {
  const bits = fc.array(fc.boolean(), { minLength: 21, maxLength: 21 })
  const fieldOf = (list: readonly boolean[]): Bitfield => {
    const field = new Bitfield(list.length)
    for (const [index, value] of list.entries()) if (value) field.set(index)
    return field
  }
  fc.assert(
    fc.property(bits, fc.oneof(bits, fc.constant(Array<boolean>(21).fill(true))), fc.nat(25), (a, b, from) => {
      const common = a.flatMap((value, index) => (value && b[index] ? [index] : []))
      expect(fieldOf(a).countCommon(fieldOf(b))).toBe(common.length)
      const first = common.find((index) => index >= from) ?? -1
      expect(fieldOf(a).findCommon(fieldOf(b), (index) => index >= from)).toBe(first)
      const joined = fieldOf(a)
      joined.setAll(fieldOf(b))
      expect(joined).toEqual(fieldOf(a.map((value, index) => value || b[index])))
      expect(joined.count).toBe(a.filter((value, index) => value || b[index]).length)
    }),
  )
})
