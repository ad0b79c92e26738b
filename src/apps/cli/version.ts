import { createRequire } from 'node:module'

/** The version in package.json, which stands at the same distance from the sources as from what is built. */
export function version(): string {
  const manifest = createRequire(import.meta.url)('../../../package.json') as { readonly version: string }
  return manifest.version
}

/** `Shoal 1.2.3` */
export function programName(): string {
  return `Shoal ${version()}`
}
