/**
 * Finds the packages of the embedded database, which are optional: who has servers may leave them out. Their
 * WebAssembly and data are files, so they cannot be part of a bundle; a bundled program finds them through the
 * installed thermocline, or as its own dependencies.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { missingPackages, type ThermoclineError } from '../../errors.ts'

/** Pinned in package.json: a database folder is of one version. */
export const PGLITE_VERSION = '0.5.14'
const PGLITE = '@electric-sql/pglite'
const PGVECTOR = '@electric-sql/pglite-pgvector'
/** As `npm install` takes them. */
export const PACKAGES = [`${PGLITE}@${PGLITE_VERSION}`, `${PGVECTOR}@0.0.15`]

export interface PglitePackages {
  /** A file from which both packages can be required. */
  readonly from: string
  /** Folder of the program and its data. */
  readonly files: string
}

/** Throws `ERR_UNSUPPORTED` where they are not installed, or in another version. */
export function findPglite(): PglitePackages {
  for (const from of starts()) {
    const entry = resolve(from, PGLITE)
    if (entry === undefined || resolve(from, PGVECTOR) === undefined) continue
    const version = versionOf(entry)
    if (version === PGLITE_VERSION) return { from, files: dirname(entry) }
    throw missing(`the embedded database (it found version ${version} of ${PGLITE})`)
  }
  throw missing('the embedded database')
}

/** A file beside this one; where it was bundled, of the package that is installed beside the bundle. */
export function ownFile(name: string): string[] {
  const here = thisFile()
  const packages = starts().flatMap((from) => resolve(from, OWN) ?? [])
  return [
    ...(here === undefined ? [] : [join(dirname(here), name)]),
    ...packages.map((file) => join(dirname(file), 'dist/cold/pglite', name)),
  ]
}

const OWN = 'thermocline/package.json'

/**
 * Files to look from. The installed thermocline comes first: a program may have a PGlite of its own, of another
 * version.
 */
function starts(): string[] {
  const known = [thisFile(), process.argv[1], join(process.cwd(), 'package.json')].filter((file) => file !== undefined)
  return known.flatMap((file) => [resolve(file, OWN), file]).filter((file) => file !== undefined)
}

/** Undefined where a bundler made it so. */
function thisFile(): string | undefined {
  // In a CommonJS bundle the first is empty and the second there, in a module the other way round.
  const { filename } = import.meta as { readonly filename?: string }
  return filename ?? (typeof __filename === 'string' ? __filename : undefined)
}

function resolve(from: string, name: string): string | undefined {
  try {
    return createRequire(from).resolve(name)
  } catch {
    return undefined
  }
}

function versionOf(entry: string): string {
  const file = join(dirname(entry), '../package.json')
  return String((JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown }).version)
}

function missing(what: string): ThermoclineError {
  const more =
    ', or name a server by `cold.url`; a bundle cannot hold them: install them beside it, or keep thermocline out ' +
    "of it (esbuild, tsup, rollup: `external: ['thermocline']`; vite: `ssr.external`; Next: see 'Bundled' in README)"
  return missingPackages(what, PACKAGES, { more })
}
