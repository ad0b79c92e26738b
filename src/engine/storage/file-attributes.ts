// What a torrent says of its files beside their content (BEP 47), as it can be applied without harm: which may be executed, and
// symbolic links. A link comes from a stranger: it leads to a file or folder of the same torrent, by a relative path, or it is
// not made.
import type { FileAttributes, FileLink } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { ContentLayout } from './content-layout.ts'

/** @param isSkipped files that are left as they are */
export function fileAttributes(
  { files }: Metainfo,
  { root, paths }: Pick<ContentLayout, 'root' | 'paths'>,
  isSkipped: (file: number) => boolean,
): FileAttributes {
  const wanted = [...files.keys()].filter((file) => !files[file].isPad && !isSkipped(file))
  const isLink = (file: number): boolean => files[file].symlinkTarget !== null
  const linked = wanted.filter(isLink)
  return {
    executables: wanted.filter((file) => files[file].isExecutable && !isLink(file)).map((file) => paths[file]),
    links: linked.length === 0 ? [] : linksOf(linked, files, { root, paths }),
  }
}

function linksOf(
  linked: readonly number[],
  files: Metainfo['files'],
  { root, paths }: Pick<ContentLayout, 'root' | 'paths'>,
): FileLink[] {
  const places = placesOf(files, { root, paths })
  return linked.flatMap((file) => {
    const target = places.get(keyOf(files[file].symlinkTarget!))
    const link = below(root, paths[file])
    if (!target || leadsInCircles(link, target)) return []
    return [{ path: paths[file], target: relativePath(link.slice(0, -1), target) }]
  })
}

/** What the torrent calls each file and folder below the top one, as a key -> the elements of where it is. */
function placesOf(
  files: Metainfo['files'],
  { root, paths }: Pick<ContentLayout, 'root' | 'paths'>,
): Map<string, readonly string[]> {
  const places = new Map<string, readonly string[]>()
  for (const [file, { savedAs, isPad }] of files.entries()) {
    if (isPad) continue
    const name = savedAs.slice(1)
    places.set(keyOf(name), below(root, paths[file]))
    for (let depth = name.length - 1; depth > 0; depth--) {
      const folder = name.slice(0, depth)
      if (places.has(keyOf(folder))) break
      places.set(keyOf(folder), folder)
    }
  }
  return places
}

function keyOf(elements: readonly string[]): string {
  return elements.join('/')
}

function below(root: string, path: string): string[] {
  return path.slice(root.length + 1).split('/')
}

/** A link to itself, or to a folder that it lies in: whoever follows it never comes to an end. */
function leadsInCircles(link: readonly string[], target: readonly string[]): boolean {
  return target.every((element, depth) => link[depth] === element)
}

function relativePath(from: readonly string[], to: readonly string[]): string {
  let common = 0
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common++
  return [...from.slice(common).map(() => '..'), ...to.slice(common)].join('/')
}
