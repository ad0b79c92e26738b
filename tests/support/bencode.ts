// Bencode for torrents and trackers of tests: written apart from src/, so that a mistake there meets its match here.

export type Bencodable = number | string | Uint8Array | readonly Bencodable[] | { readonly [key: string]: Bencodable }

export function bencode(value: Bencodable): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`)
  if (typeof value === 'string') return bencode(Buffer.from(value))
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value])
  if (Array.isArray(value)) return wrap('l', (value as readonly Bencodable[]).map(bencode))
  const entries = Object.entries(value as { readonly [key: string]: Bencodable })
  const sorted = entries.map(([key, item]) => ({ key: Buffer.from(key), item }))
  sorted.sort((a, b) => Buffer.compare(a.key, b.key))
  return wrap(
    'd',
    sorted.flatMap(({ key, item }) => [bencode(key), bencode(item)]),
  )
}

function wrap(letter: string, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(letter), ...parts, Buffer.from('e')])
}
