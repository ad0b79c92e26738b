// Goes to many paths below one place, folder by folder, and follows no symbolic link on the way: where a folder should be and
// is none, nothing below it is touched.
import { dirname, join, sep } from 'node:path'
import { assert } from '../../base/assert.ts'
import type { StorageError } from '../../base/errors.ts'
import { RealFolder } from './real-folder.ts'
import { toStorageError } from './storage-error.ts'

/** What is done where. Paths are those that people know; a place is where the same can be reached just now. */
export interface TreeVisitor<Value> {
  /** A verb, for errors: `delete`. */
  readonly action: string
  /** At one of the paths. May throw. */
  visit(place: string, path: string, value: Value): void
  /** A link or a file is where a folder should be. */
  onNoFolder(path: string): void
  /** A folder on the way is missing. Returns whether it is there now. May throw. */
  onMissing(place: string): boolean
  /** All that is below the folder has been visited. May throw. */
  leave(place: string, path: string): void
}

/** Names between two pauses. */
const STRIDE = 64

/** Name -> what is below it, or the value of the path that ends there. */
type Tree<Value> = Map<string, Tree<Value> | { readonly value: Value }>

/**
 * Pauses now and then. Goes on after errors, and throws the first of them, a StorageError, at the end.
 * @param root the folder that it lies in may be reached through links
 * @param values by path: the root itself, or below it
 */
export function* visitTree<Value>(
  root: string,
  values: Iterable<readonly [path: string, value: Value]>,
  visitor: TreeVisitor<Value>,
): Generator<undefined, void, undefined> {
  const tree = treeOf(root, values)
  const top = dirname(root)
  let error: StorageError | null = null
  let names = 0

  function* within(folder: RealFolder, path: string, tree: Tree<Value>): Generator<undefined, void, undefined> {
    for (const [name, below] of tree) {
      const at = join(path, name)
      try {
        if (below instanceof Map) yield* into(folder, name, at, below)
        else visitor.visit(folder.pathOf(name), at, below.value)
      } catch (failure) {
        error ??= toStorageError(failure, visitor.action, at)
      }
      if (++names % STRIDE === 0) yield
    }
  }

  function* into(parent: RealFolder, name: string, path: string, tree: Tree<Value>) {
    let folder = parent.enter(name)
    if (folder === 'missing' && visitor.onMissing(parent.pathOf(name))) folder = parent.enter(name)
    if (folder === 'missing') return
    if (folder === 'other') return visitor.onNoFolder(path)
    try {
      yield* within(folder, path, tree)
    } finally {
      folder.close()
    }
    visitor.leave(parent.pathOf(name), path)
  }

  const parent = openFolder(top, visitor.action)
  if (!parent) return
  try {
    yield* within(parent, top, tree)
  } finally {
    parent.close()
  }
  if (error) throw error as StorageError
}

function openFolder(path: string, action: string): RealFolder | null {
  try {
    return RealFolder.open(path)
  } catch (error) {
    throw toStorageError(error, action, path)
  }
}

function treeOf<Value>(root: string, values: Iterable<readonly [path: string, value: Value]>): Tree<Value> {
  const top: Tree<Value> = new Map()
  const base = unified(root).lastIndexOf('/') + 1
  for (const [path, value] of values) {
    assert(path === root || unified(path).startsWith(`${unified(root)}/`), 'a path lies at or below its root')
    const names = unified(path).slice(base).split('/')
    let at = top
    for (const name of names.slice(0, -1)) {
      let inner = at.get(name)
      if (!(inner instanceof Map)) at.set(name, (inner = new Map()))
      at = inner
    }
    const last = names[names.length - 1]
    if (!at.has(last)) at.set(last, { value })
  }
  return top
}

function unified(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/')
}
