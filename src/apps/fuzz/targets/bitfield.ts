// Bitfields as peers send them (BEP 3), for a torrent of any size. The first two bytes of an input are the number of pieces.
import { Bitfield } from '../../../base/bitfield.ts'
import { expectSame, expectTrue } from '../expect.ts'
import type { Target } from '../target.ts'

export const bitfield: Target<Bitfield | null> = {
  name: 'bitfield',
  seeds: [
    Uint8Array.of(0, 10, 0x80, 0x40),
    Uint8Array.of(0, 16, 0xff, 0xff),
    Uint8Array.of(0, 9, 0xff, 0x80),
    Uint8Array.of(0, 0),
    Uint8Array.of(0, 1, 0),
    Uint8Array.of(0, 10, 0xff, 0xff),
    Uint8Array.of(1, 0, ...new Uint8Array(32).fill(0xff)),
  ],
  refusals: [],
  parse: (input) => Bitfield.fromBytes(sizeIn(input), input.slice(2)),
  check(field, input) {
    if (field === null) return
    const { size } = field
    const bits = input.slice(2)
    const set = Array.from({ length: size }, (_, i) => i).filter((i) => field.has(i))
    expectSame(field.bytes, bits, 'the wire form stays as it is')
    expectTrue(field.count === set.length && field.isFull === (set.length === size), 'bits are counted')
    const first = Array.from({ length: size }, (_, i) => i).findIndex((i) => !field.has(i))
    expectTrue(field.firstClear() === first, 'the first piece that lacks is found')
    const rebuilt = Bitfield.full(size)
    for (let i = 0; i < size; i++) if (!field.has(i)) rebuilt.clear(i)
    expectSame(rebuilt.bytes, bits, 'bits may be taken away one by one')
    const grown = new Bitfield(size)
    for (const i of [...set, ...set]) grown.set(i)
    for (let i = 0; i < size; i++) if (!field.has(i)) grown.clear(i)
    expectTrue(grown.count === field.copy().count, 'a bit counts once')
    const thirds = new Bitfield(size)
    for (let i = 0; i < size; i += 3) thirds.set(i)
    const common = set.filter((i) => i % 3 === 0)
    expectTrue(field.countCommon(thirds) === common.length, 'bits of two fields are counted')
    expectTrue(field.findCommon(thirds, () => true) === (common[0] ?? -1), 'the first of them is found')
    thirds.setAll(field)
    expectTrue(thirds.count === set.length + Math.ceil(size / 3) - common.length, 'fields are joined')
  },
  sources: [{ path: 'base/bitfield.ts', without: ['forEachSet'] }],
}

function sizeIn(input: Uint8Array): number {
  return ((input[0] ?? 0) << 8) | (input[1] ?? 0)
}
