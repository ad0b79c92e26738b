// Joins the modules of the command line into few files, after tsc has built them: Node needs about a millisecond to load a
// module, and a download must not wait for a hundred of them. Each command stays a file of its own, loaded when it is used.
import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = fileURLToPath(new URL('../dist/apps/cli/', import.meta.url))
for (const name of readdirSync(folder)) if (name.startsWith('chunk-')) rmSync(folder + name)

await build({
  entryPoints: [fileURLToPath(new URL('../src/apps/cli/main.ts', import.meta.url))],
  outdir: folder,
  // Side by side with the entry: paths relative to a module (the disk thread's code, package.json) hold here as in the sources.
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',

  // What commander, a CommonJS package, asks for.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
