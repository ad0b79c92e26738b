// Makes what tsc has built start and run faster, where people wait for it:
// - the modules of the command line become few files: Node needs about a millisecond to load a module, and a download must
//   not wait for a hundred of them. Each command stays a file of its own, loaded when it is used;
// - so do those of the library, with everything that package.json exports: what they share, they share as files, too;
// - the disk thread becomes one file;
// - in all of them, private fields become plain ones: until a function is hot enough to be optimized, V8 reads a `#field` through
//   a keyed lookup, at several times the cost of a plain one (seeding: 6 % of all CPU).
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../', import.meta.url))
const cli = `${root}dist/apps/cli/`
for (const name of readdirSync(cli)) if (name.startsWith('chunk-')) rmSync(cli + name)
// As deep as modules are in the sources: paths relative to a module hold here, too.
const library = `${root}dist/bundle/library/`
rmSync(library, { recursive: true, force: true })
const { exports: exported } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  metafile: true,
}
const outputs = await Promise.all([
  build({
    ...common,
    entryPoints: [`${root}src/apps/cli/main.ts`],
    outdir: cli,
    // Side by side with the entry: paths relative to a module (the disk thread's code, package.json) hold here as in the sources.
    chunkNames: 'chunk-[hash]',
    splitting: true,
    // What commander, a CommonJS package, asks for.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  }),
  build({
    ...common,
    entryPoints: Object.fromEntries(
      Object.values(exported)
        .filter(({ types }) => types)
        .map(({ types, default: file }) => [
          basename(file, '.js'),
          types.replace('./dist/', `${root}src/`).replace('.d.ts', '.ts'),
        ]),
    ),
    outdir: library,
    chunkNames: 'chunk-[hash]',
    splitting: true,
    packages: 'external',
  }),
  build({
    ...common,
    entryPoints: [`${root}src/platform/node/disk-worker.ts`],
    outfile: `${root}dist/platform/node/disk-worker.js`,
  }),
])

for (const { metafile } of outputs) {
  for (const file of Object.keys(metafile.outputs)) {
    const code = readFileSync(root + file, 'utf8')
    writeFileSync(root + file, plainFields(code))
  }
}

/** `#name` becomes `_private_name` where esbuild, whose layout is regular, writes a private name: after a dot, or where a class member begins. */
function plainFields(code) {
  return code
    .replaceAll(/(?<=[\w)\]]\??\.)#(?=[a-zA-Z])/g, '_private_')
    .replaceAll(/^( +(?:static )?(?:async )?(?:[gs]et )?\*?)#(?=[a-zA-Z]\w*(?: =|;|\())/gm, '$1_private_')
}
