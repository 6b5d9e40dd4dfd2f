/**
 * Compiles everything once for each run of the tests: child processes start from the compiled files, since loading
 * TypeScript anew costs each of them more than its work. Embedded databases come from an image, which is made anew when
 * the migrations or PGlite changed, and servers start from copies of one cluster, of which one runs all the time.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import type { TestProject } from 'vitest/node'
import { makeImage } from '../../src/build/database-image.ts'
import { asCompiled } from './compiled.ts'
import { makePostgresTemplate } from './services.ts'
import { keepTemplates } from './shared-template.ts'
import { spreadTemporaryFolders } from './temporary-root.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the compiled files, laid out as the repository. */
    compiled: string
  }
}

const ROOT = join(import.meta.dirname, '../..')

export default async function compile(project: TestProject): Promise<() => Promise<void>> {
  await spreadTemporaryFolders()
  const removeTemplate = await makePostgresTemplate()
  const removeTemplates = await keepTemplates()
  // Faults are what many tests are about: what nobody listens to need not be printed.
  process.env.NODE_NO_WARNINGS = '1'
  process.env.NODE_OPTIONS =
    `${process.env.NODE_OPTIONS ?? ''} --require ${join(import.meta.dirname, 'quick-start.cjs')}`.trim()
  // Within the repository, so that packages are found from there.
  const folder = mkdtempSync(join(ROOT, 'node_modules/.thermocline-'))
  await compileInto(folder)
  for (const name of ['drizzle', 'package.json']) symlinkSync(join(ROOT, name), join(folder, name))
  const image = 'src/cold/pglite/database.image'
  await makeImage(join(ROOT, image))
  copyFileSync(join(ROOT, image), join(folder, image))
  project.provide('compiled', folder)
  return async () => {
    await removeTemplate()
    await removeTemplates()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Without a look at types, which is `npm run check`'s: that takes ten times as long. */
async function compileInto(folder: string): Promise<void> {
  const sources = ['src', 'test'].flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
      // What the benchmarks are measured against may be installed beside them.
      .filter((file) => /(?<!\.d)\.[jt]s$/.test(file) && !file.includes('node_modules'))
      .map((file) => join(ROOT, top, file)),
  )
  const settings = { outbase: ROOT, outdir: folder, format: 'esm', platform: 'node', target: 'node20' } as const
  const { outputFiles } = await build({ entryPoints: sources, ...settings, write: false })
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, asCompiled(text))
  }
}
