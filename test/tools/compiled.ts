import { join, relative } from 'node:path'
import { inject } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

/** The compiled form of a TypeScript file of this repository, for `node`. See {@link ./compile.ts}. */
export function compiled(file: string): string {
  return join(inject('compiled'), relative(ROOT, file).replace(/\.ts$/, '.js'))
}

/** What is imported by relative path is compiled as well. */
export function asCompiled(script: string): string {
  return script.replaceAll(/(\b(?:from|import)\s*\(?\s*)"(\.\.?\/[^"]+)\.ts"/g, '$1"$2.js"')
}
