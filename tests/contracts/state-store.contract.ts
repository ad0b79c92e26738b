// What every state store promises (`StateStore` and `StateFolder` in src/platform/platform.ts).
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/base/bytes.ts'
import type { StateFolder, StateStore } from '../../src/platform/platform.ts'

const NAME = '0123456789abcdef0123456789abcdef01234567'

export function stateStoreContract(name: string, makeStore: () => StateStore): void {
  describe(`${name} keeps the contract of state stores`, () => {
    let store: StateStore
    let folder: StateFolder

    beforeEach(async () => {
      store = makeStore()
      folder = await store.open(NAME, '/content/one')
      return () => folder.close()
    })

    const bytesOf = async (file: string): Promise<Uint8Array | undefined> => (await folder.read(file, 100))?.bytes

    test('says which start of the machine this is', () => {
      expect(store.bootId).not.toBe('')
      expect(makeStore().bootId).toBe(store.bootId)
    })

    test('what was put there is there after closing', async () => {
      await folder.replace('file', encodeUtf8('first'))
      await folder.replace('file', encodeUtf8('second'))
      await folder.append('file', encodeUtf8(' third'))
      await folder.append('file', encodeUtf8(' fourth'), { sync: true })
      await folder.close()
      folder = await store.open(NAME, '/content/one')
      expect(folder.contentPath).toBe('/content/one')
      expect(await folder.read('file', 100)).toEqual({
        bytes: encodeUtf8('second third fourth'),
        mtimeNs: expect.any(BigInt),
      })
    })

    test('what was never there is null, and cannot be added to', async () => {
      expect(await folder.read('none', 100)).toBeNull()
      await expect(folder.append('none', encodeUtf8('x'))).rejects.toMatchObject({ code: 'not_found' })
      expect(await folder.read('none', 100)).toBeNull()
    })

    test('after a replacement, what is added goes to the new file', async () => {
      await folder.replace('file', encodeUtf8('old'))
      await folder.append('file', encodeUtf8(' more'))
      await folder.replace('file', encodeUtf8('new'))
      await folder.append('file', encodeUtf8(' more'))
      expect(await bytesOf('file')).toEqual(encodeUtf8('new more'))
    })

    test('a file that is larger than expected is not read', async () => {
      await folder.replace('file', new Uint8Array(101))
      await expect(folder.read('file', 100)).rejects.toMatchObject({ name: 'StorageError', code: 'too_large' })
      expect((await folder.read('file', 101))!.bytes).toHaveLength(101)
    })

    test('a file is set aside, for the next one of its name', async () => {
      await folder.replace('file', encodeUtf8('odd'))
      await folder.append('file', encodeUtf8('!'))
      expect(await folder.setAside('file')).toBe(`${folder.path('file')}.unusable`)
      expect(await folder.read('file', 100)).toBeNull()
      expect(await bytesOf('file.unusable')).toEqual(encodeUtf8('odd!'))
      await folder.replace('file', encodeUtf8('next'))
      await folder.setAside('file')
      expect(await bytesOf('file.unusable')).toEqual(encodeUtf8('next'))
    })

    test('what is removed is forgotten, and may be opened anew', async () => {
      await folder.replace('file', encodeUtf8('first'))
      await folder.append('file', encodeUtf8(' more'))
      await folder.replace('odd', encodeUtf8('odd'))
      await folder.setAside('odd')
      await folder.remove()
      folder = await store.open(NAME, '/content/one')
      expect(await Promise.all(['file', 'odd', 'odd.unusable'].map(bytesOf))).toEqual([undefined, undefined, undefined])
      await folder.replace('file', encodeUtf8('second'))
      expect(await bytesOf('file')).toEqual(encodeUtf8('second'))
    })

    test('the same torrent at the same place is open once', async () => {
      await expect(store.open(NAME, '/content/one')).rejects.toMatchObject({
        name: 'StateError',
        code: 'in_use',
        message: expect.stringMatching(/^Cannot use \/content\/one: [^\n]+$/),
      })
      await folder.close()
      folder = await store.open(NAME, '/content/one')
    })

    test('of many who want it at once, one gets it', async () => {
      await folder.close()
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => store.open(NAME, '/content/one')))
      const opened = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      expect(opened).toHaveLength(1)
      folder = opened[0]
    })

    test('other torrents, and other places, are apart', async () => {
      const others = await Promise.all([
        store.open(NAME, '/content/two'),
        store.open(NAME.replace('0', 'f'), '/content/one'),
      ])
      await folder.replace('file', encodeUtf8('mine'))
      for (const other of others) {
        expect(await other.read('file', 100)).toBeNull()
        await other.close()
      }
    })
  })
}
