import { expect, test } from 'vitest'
import type { Metainfo } from './metainfo.ts'
import { webSeedFileUrl } from './web-seed-url.ts'

function torrent(name: string, paths: readonly (readonly string[])[]): Metainfo {
  const files = paths.map((path) => ({ path, isPad: path[0] === '.pad' }))
  return { name, files, isSingleFile: paths.length === 1 && paths[0].length === 0 } as unknown as Metainfo
}

test('the URL of a single file is the file, that of a folder has it below', () => {
  const single = torrent('a b.iso', [[]])
  expect(webSeedFileUrl('http://h/x?y=1#z', single, 0)).toBe('http://h/x?y=1')
  expect(webSeedFileUrl('http://h/x/', single, 0)).toBe('http://h/x/a%20b.iso')
})

test('files of a folder are below its name, encoded byte by byte', () => {
  const tree = torrent('top', [['d?', 'ü#%+.bin'], ['hex:ff2f41'], ['hex:6162'], ['~a-b_c.d']])
  const url = (file: number, base = 'http://h/m/') => webSeedFileUrl(base, tree, file)
  expect(url(0)).toBe('http://h/m/top/d%3F/%C3%BC%23%25%2B.bin')
  expect(url(1)).toBe('http://h/m/top/%FF%2FA')
  // The name of a file that is text, and looks as if it were not.
  expect(url(2)).toBe('http://h/m/top/hex%3A6162')
  expect(url(3, 'http://h/m')).toBe('http://h/m/top/~a-b_c.d')
})

test('padding, and names that servers take for steps, have no URL', () => {
  const tree = torrent('top', [['.pad', '5'], ['..', 'secret'], ['.'], ['a/b'], ['']])
  tree.files.forEach((_, file) => expect(webSeedFileUrl('http://h/', tree, file)).toBe(null))
})
