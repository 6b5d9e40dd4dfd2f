/** Bundles one program with everything in it, by each bundler that is installed. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// biome-ignore lint/suspicious/noExplicitAny: of some bundlers only the program is there, without types.
type Untyped = any

export interface Bundler {
  readonly name: string
  /** Whether it is installed here. */
  readonly isThere: boolean
  /** Bundles `app.mjs` of the project and answers the program's file. */
  bundle(project: string): Promise<string>
}

const requireHere = createRequire(import.meta.url)

function find(name: string): string | undefined {
  // Vite comes with vitest.
  for (const from of [requireHere, createRequire(requireHere.resolve('vitest/package.json'))])
    try {
      return from.resolve(name)
    } catch {}
  return undefined
}

async function load(name: string): Promise<Untyped> {
  return import(pathToFileURL(find(name)!).href)
}

function bundler(name: string, packages: readonly string[], bundle: Bundler['bundle']): Bundler {
  return { name, isThere: packages.every((needed) => find(needed) !== undefined), bundle }
}

const FORMATS = [
  ['esm', 'mjs'],
  ['cjs', 'cjs'],
] as const

const OUTPUT = 'dist/server'
const ROLLUP = ['rollup', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs', '@rollup/plugin-json']

export const BUNDLERS: readonly Bundler[] = FORMATS.flatMap(([format, extension]) => [
  bundler(`esbuild, ${format}`, ['esbuild'], async (project) => {
    const outfile = join(project, OUTPUT, `esbuild.${extension}`)
    const { build } = await load('esbuild')
    const entryPoints = [join(project, 'app.mjs')]
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format, logLevel: 'error' })
    return outfile
  }),
  bundler(`rolldown, ${format}`, ['rolldown'], async (project) => {
    const file = join(project, OUTPUT, `rolldown.${extension}`)
    const { rolldown } = await load('rolldown')
    const made = await rolldown({ input: join(project, 'app.mjs'), cwd: project, platform: 'node', logLevel: 'silent' })
    await made.write({ file, format, codeSplitting: false })
    return file
  }),
  bundler(`vite, ${format}`, ['vite'], async (project) => {
    const { build } = await load('vite')
    const outDir = join(OUTPUT, `vite-${format}`)
    await build({
      root: project,
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: { ssr: 'app.mjs', outDir, rollupOptions: { output: { format, entryFileNames: `app.${extension}` } } },
    })
    return join(project, outDir, `app.${extension}`)
  }),
  bundler(`tsup, ${format}`, ['tsup'], async (project) => {
    const { build } = await load('tsup')
    const outDir = join(project, OUTPUT, `tsup-${format}`)
    const outExtension = () => ({ js: `.${extension}` })
    const entry = { app: join(project, 'app.mjs') }
    await build({
      entry,
      format,
      outDir,
      outExtension,
      noExternal: [/.*/],
      platform: 'node',
      silent: true,
      config: false,
    })
    return join(outDir, `app.${extension}`)
  }),
  bundler(`rollup, ${format}`, ROLLUP, async (project) => {
    const file = join(project, OUTPUT, `rollup.${extension}`)
    const { rollup } = await load('rollup')
    const [resolve, commonjs, json] = await Promise.all(ROLLUP.slice(1).map(load))
    const plugins = [
      resolve.default({ preferBuiltins: true, exportConditions: ['node'] }),
      commonjs.default(),
      json.default(),
    ]
    const made = await rollup({ input: join(project, 'app.mjs'), plugins, onwarn: () => {} })
    await made.write({ file, format, inlineDynamicImports: true })
    return file
  }),
])
