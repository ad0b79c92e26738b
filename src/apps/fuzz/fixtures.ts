// Inputs from `tests/fixtures/`, as the tests of the same formats have them.
import { readdirSync, readFileSync } from 'node:fs'
import { fromHex } from '../../base/bytes.ts'

const FIXTURES = new URL('../../../tests/fixtures/', import.meta.url)

export function fixtureFiles(folder: string): Uint8Array[] {
  const url = new URL(`${folder}/`, FIXTURES)
  return readdirSync(url)
    .sort()
    .map((name) => new Uint8Array(readFileSync(new URL(name, url))))
}

/** Every text of a JSON file that stands under one of these keys, wherever it is. */
export function fixtureTexts(file: string, ...keys: readonly string[]): string[] {
  const texts: string[] = []
  const collect = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if (keys.includes(key)) texts.push(value)
    } else if (Array.isArray(value)) for (const item of value) collect(item, key)
    else if (typeof value === 'object' && value !== null)
      for (const [name, item] of Object.entries(value)) collect(item, name)
  }
  collect(JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')), '')
  return texts
}

export function fixtureBytes(file: string, ...keys: readonly string[]): Uint8Array[] {
  return fixtureTexts(file, ...keys).flatMap((text) => fromHex(text) ?? [])
}
