/**
 * Compiles everything once for each run of the tests: child processes start from the compiled files, since loading
 * TypeScript anew costs each of them more than its work. Embedded databases come from an image, which is made anew when
 * the migrations or PGlite changed, and servers start from copies of one cluster.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { makeImage } from '../../src/build/database-image.ts'
import { makePostgresTemplate } from './services.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the compiled files, laid out as the repository. */
    compiled: string
  }
}

const ROOT = join(import.meta.dirname, '../..')

export default async function compile(project: TestProject): Promise<() => void> {
  const removeTemplate = await makePostgresTemplate()
  // Faults are what many tests are about: what nobody listens to need not be printed.
  process.env.NODE_NO_WARNINGS = '1'
  process.env.NODE_OPTIONS =
    `${process.env.NODE_OPTIONS ?? ''} --require ${join(import.meta.dirname, 'quick-wasm.cjs')}`.trim()
  // Within the repository, so that packages are found from there.
  const folder = mkdtempSync(join(ROOT, 'node_modules/.thermocline-'))
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { rootDir: ROOT, outDir: folder, noEmit: false, declaration: false },
    include: [join(ROOT, 'src'), join(ROOT, 'test')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  for (const name of ['drizzle', 'package.json']) symlinkSync(join(ROOT, name), join(folder, name))
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', join(folder, 'tsconfig.json')], { stdio: 'inherit' })
  const image = 'src/cold/pglite/database.image'
  await makeImage(join(ROOT, image))
  copyFileSync(join(ROOT, image), join(folder, image))
  project.provide('compiled', folder)
  return () => {
    removeTemplate()
    rmSync(folder, { recursive: true, force: true })
  }
}
