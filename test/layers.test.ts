/**
 * The table "Who may import whom" of the architecture notes, checked over every source file. Types count like values:
 * whoever needs a type of a layer depends on it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

type Layer = 'kernel' | 'contract' | 'stage' | 'flow' | 'root' | 'surface'

/** First match wins. A file that matches nothing has no place in the architecture yet. */
const LAYERS: readonly (readonly [Layer, RegExp])[] = [
  ['kernel', /^(errors|clock|log|retry|deadline|call-options)$|^(entry|folder)\//],
  ['contract', /^(hot\/hot-tier|cold\/cold-tier|wal\/format)$/],
  ['stage', /^(wal|hot|cold)\//],
  ['flow', /^(flow|sync|repository)\//],
  [
    'root',
    /^(options|release-stack|data-folder|open-store-log)$|^build\/|^(memory|open|recover|inspect|logs|migrate)-(store|folder|cold|hot)$/,
  ],
  ['surface', /^index$|^cli\//],
]

/** Packages that only these files may import; any file may import what is not named here. */
const OWNED_PACKAGES: readonly (readonly [name: RegExp, owners: RegExp])[] = [
  [/^ioredis$/, /^hot\/redis-/],
  [/^postgres$/, /^cold\/postgres/],
  [/^@electric-sql\//, /^cold\/pglite/],
]
const KERNEL_PACKAGES = /^(uuid|@msgpack\/msgpack|zod)$/

/** Paths below src without extension; `index` is `index.ts`. */
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => /\.(ts|js)$/.test(path))
  .sort()

const moduleOf = (path: string): string => path.replace(/\.(ts|js)$/, '')
const layerOf = (module: string): Layer | undefined => LAYERS.find(([, pattern]) => pattern.test(module))?.[0]
const folderOf = (module: string): string => posix.dirname(module)

/** `import … from`, `export … from`, `import '…'`, `import('…')` also within JSDoc, and files started by URL. */
const IMPORTS = [
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"](\.[^'"]+\.(?:js|ts))['"]\s*,\s*import\.meta\.url\s*\)/g,
]

function importsOf(path: string): string[] {
  const source = readFileSync(`${SRC}/${path}`, 'utf8')
  return IMPORTS.flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1]!))
}

/** Whether `from` may import `to`, both modules of ours. */
function isAllowed(from: string, to: string): boolean {
  const target = layerOf(to)
  const isOwnFolder = folderOf(from) === folderOf(to)
  switch (layerOf(from)) {
    case 'kernel':
      return target === 'kernel'
    case 'contract':
      return target === 'kernel'
    case 'stage':
      return target === 'kernel' || target === 'contract' || isOwnFolder
    case 'flow':
      return target === 'kernel' || target === 'contract' || target === 'flow' || /^wal\//.test(to)
    case 'root':
      return target !== 'surface'
    case 'surface':
      return target === 'root' || to === 'errors' || (isOwnFolder && from !== 'index') || isPublicName(from, to)
    default:
      return false
  }
}

/** `index` names what is public, wherever it stands; it has no code of its own (see the test for that). */
function isPublicName(from: string, to: string): boolean {
  return from === 'index' && ['kernel', 'contract', 'flow'].includes(layerOf(to) ?? '')
}

describe('layers', () => {
  it('have a place for every file', () => {
    expect(files.length).toBeGreaterThan(10)
    expect(files.filter((path) => layerOf(moduleOf(path)) === undefined)).toEqual([])
  })

  it.each(files)('%s imports only what its layer may', (path) => {
    const from = moduleOf(path)
    const ours = importsOf(path).filter((specifier) => specifier.startsWith('.'))
    const targets = ours.map((specifier) => moduleOf(posix.join(folderOf(from), specifier)))
    expect(targets.filter((to) => !isAllowed(from, to))).toEqual([])
  })

  it.each(files)('%s imports only packages that are its own to import', (path) => {
    const from = moduleOf(path)
    const packages = importsOf(path).filter((specifier) => !/^(\.|node:)/.test(specifier))
    const foreign = packages.filter((name) =>
      OWNED_PACKAGES.some(([owned, owners]) => owned.test(name) && !owners.test(from)),
    )
    expect(foreign).toEqual([])
    if (layerOf(from) === 'kernel') expect(packages.filter((name) => !KERNEL_PACKAGES.test(name))).toEqual([])
  })

  it('read the environment in one place', () => {
    const readers = files.filter((path) => /\bprocess\.env\b/.test(readFileSync(`${SRC}/${path}`, 'utf8')))
    expect(readers.filter((path) => path !== 'options.ts')).toEqual([])
  })

  it('leave no code to index.ts', () => {
    if (!files.includes('index.ts')) return
    const code = readFileSync(`${SRC}/index.ts`, 'utf8')
      .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
      .replace(/^export\s+(type\s+)?(\*|\{[^}]*\})\s+from\s+'[^']+'\s*;?$/gm, '')
    expect(code.trim()).toBe('')
  })
})

describe('the check of the layers', () => {
  it.each([
    ['entry/codec', 'errors', true],
    ['entry/codec', 'hot/hot-tier', false],
    ['hot/hot-tier', 'entry/record', true],
    ['hot/hot-tier', 'cold/cold-tier', false],
    ['hot/memory-hot-tier', 'hot/markers', true],
    ['hot/memory-hot-tier', 'wal/format', true],
    ['hot/memory-hot-tier', 'wal/segment', false],
    ['hot/memory-hot-tier', 'cold/schema', false],
    ['cold/pglite', 'options', false],
    ['flow/read', 'wal/write-ahead-log', true],
    ['flow/read', 'hot/hot-tier', true],
    ['flow/read', 'hot/memory-hot-tier', false],
    ['flow/read', 'cold/pglite', false],
    ['sync/sync-worker', 'flow/pending', true],
    ['sync/sync-worker', 'memory-store', false],
    ['memory-store', 'cold/pglite', true],
    ['memory-store', 'cli/main', false],
    ['cli/main', 'memory-store', true],
    ['cli/main', 'cli/progress', true],
    ['cli/main', 'flow/read', false],
    ['cli/main', 'index', false],
    ['index', 'cli/main', false],
    ['index', 'cold/pglite', false],
    ['somewhere/else', 'errors', false],
  ])('%s may import %s: %s', (from, to, expected) => {
    expect(isAllowed(from, to)).toBe(expected)
  })

  it('sees every form of import', () => {
    const forms = [
      "import a from './one.ts'",
      "import {\n  b,\n  c,\n} from './two.ts'",
      "import type { D } from './three.ts'",
      "export * from './four.ts'",
      "import './five.ts'",
      "const six = await import('./six.ts')",
      "/** @typedef {import('./seven.ts').G} G */",
      "new Worker(new URL('./eight.js', import.meta.url))",
      "/**\n * Words copied from './nowhere.ts'\n */",
    ].join('\n')
    const found = IMPORTS.flatMap((pattern) => [...forms.matchAll(pattern)].map((match) => match[1]))
    expect(found.sort()).toEqual(
      ['eight.js', 'five.ts', 'four.ts', 'one.ts', 'seven.ts', 'six.ts', 'three.ts', 'two.ts'].map((f) => `./${f}`),
    )
  })
})
