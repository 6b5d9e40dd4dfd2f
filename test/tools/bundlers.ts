/** Bundles one program with everything in it, by each bundler, as an ES module and as CommonJS. */
import { join } from 'node:path'
import type { Plugin } from 'rollup'

export interface Bundler {
  readonly name: string
  /** Bundles `app.mjs` of the project and answers the program's file. */
  bundle(project: string): Promise<string>
}

const FORMATS = [
  ['esm', 'mjs'],
  ['cjs', 'cjs'],
] as const

/** Their types say that the module itself is the function. */
export async function pluginOf(name: string): Promise<(options?: object) => Plugin> {
  return (await import(name)).default
}

const ENTRY = 'app.mjs'
const OUTPUT = 'dist/server'

export const BUNDLERS: readonly Bundler[] = FORMATS.flatMap(([format, extension]) => [
  {
    name: `esbuild, ${format}`,
    bundle: async (project) => {
      const { build } = await import('esbuild')
      const outfile = join(project, OUTPUT, `esbuild.${extension}`)
      await build({
        entryPoints: [join(project, ENTRY)],
        outfile,
        bundle: true,
        platform: 'node',
        format,
        logLevel: 'error',
      })
      return outfile
    },
  },
  {
    name: `vite, ${format}`,
    bundle: async (project) => {
      const { build } = await import('vite')
      const outDir = join(OUTPUT, `vite-${format}`)
      await build({
        root: project,
        configFile: false,
        logLevel: 'error',
        ssr: { noExternal: true },
        build: { ssr: ENTRY, outDir, rolldownOptions: { output: { format, entryFileNames: `app.${extension}` } } },
      })
      return join(project, outDir, `app.${extension}`)
    },
  },
  {
    name: `tsup, ${format}`,
    bundle: async (project) => {
      const { build } = await import('tsup')
      const outDir = join(project, OUTPUT, `tsup-${format}`)
      await build({
        entry: { app: join(project, ENTRY) },
        format,
        outDir,
        outExtension: () => ({ js: `.${extension}` }),
        noExternal: [/.*/],
        platform: 'node',
        silent: true,
        config: false,
      })
      return join(outDir, `app.${extension}`)
    },
  },
  {
    name: `rollup, ${format}`,
    bundle: async (project) => {
      const { rollup } = await import('rollup')
      const plugins = [
        (await pluginOf('@rollup/plugin-node-resolve'))({ preferBuiltins: true, exportConditions: ['node'] }),
        (await pluginOf('@rollup/plugin-commonjs'))(),
        (await pluginOf('@rollup/plugin-json'))(),
      ]
      const made = await rollup({ input: join(project, ENTRY), plugins, onwarn: () => {} })
      const file = join(project, OUTPUT, `rollup.${extension}`)
      await made.write({ file, format, inlineDynamicImports: true })
      return file
    },
  },
])
