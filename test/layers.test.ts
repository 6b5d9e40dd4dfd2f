/**
 * Who may import whom, checked over every source file. Types count like values:
 * whoever needs a type of a layer depends on it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

type Layer =
  | 'kernel'
  | 'vocabulary'
  | 'contract'
  | 'stage'
  | 'flow'
  | 'root'
  | 'surface'
  | 'adapter'
  | 'testkit'
  | 'studio'
  | 'page'
  | 'build'

/** First match wins. A file that matches nothing has no place in the architecture yet. */
const LAYERS: readonly (readonly [Layer, RegExp])[] = [
  ['kernel', /^errors$|^kernel\//],
  ['vocabulary', /^call-options$|^(entry|query|policy)\//],
  ['contract', /^(hot\/hot-(tier|content)|cold\/cold-tier|wal\/(format|log-contract))$/],
  ['stage', /^(wal|hot|cold)\//],
  ['flow', /^(telemetry|flow|recovery|sync|repository)\//],
  ['root', /^(default-)?options$|^(store|admin)\//],
  ['surface', /^index$|^cli\//],
  ['adapter', /^adapters\//],
  ['testkit', /^testkit\//],
  ['studio', /^studio\/[^/]+$/],
  ['page', /^studio\/page\//],
  ['build', /^build\//],
]

/** What a folder of flows may use of its neighbours, besides the log and the contracts. */
const FLOW_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  telemetry: [],
  flow: ['telemetry'],
  recovery: [],
  sync: ['telemetry', 'flow', 'recovery'],
  repository: ['telemetry', 'flow', 'sync'],
}

/** Packages that only these files may import; any file may import what is not named here. */
const OWNED_PACKAGES: readonly (readonly [name: RegExp, owners: RegExp])[] = [
  [/^ioredis$/, /^hot\/redis\//],
  [/^postgres$/, /^cold\/postgres\//],
  [/^@electric-sql\//, /^cold\/pglite\//],
  [/^@langchain\/langgraph/, /^adapters\/langgraph\//],
  [/^@langchain\//, /^adapters\/(langgraph|langchain)\//],
  [/^(vitest|fast-check)$/, /^testkit\//],
  [/^(preact|htm|uplot)\b/, /^studio\/page\//],
  [/^@opentelemetry\//, /^adapters\/otel\//],
  [/^@modelcontextprotocol\//, /^adapters\/mcp\//],
  [/^@anthropic-ai\/claude-agent-sdk$/, /^adapters\/claude\//],
  [/^@anthropic-ai\/sdk\b/, /^adapters\/anthropic\//],
  [/^@openai\//, /^adapters\/openai-agents\//],
  [/^(ai$|@ai-sdk\/)/, /^adapters\/ai\//],
]
const KERNEL_PACKAGES = /^(uuid|@msgpack\/msgpack|zod)$/

/** Paths below src without extension; `index` is `index.ts`. */
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  // What an embedded file holds is text.
  .filter((path) => /\.(ts|js)$/.test(path) && !path.endsWith('.embedded.ts'))
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

/** Modules of ours that a file imports. */
function modulesOf(path: string): string[] {
  const ours = importsOf(path).filter((specifier) => specifier.startsWith('.'))
  return ours.map((specifier) => resolved(path, specifier))
}

function resolved(path: string, specifier: string): string {
  return specifier.startsWith('.') ? moduleOf(posix.join(folderOf(moduleOf(path)), specifier)) : specifier
}

/** What is loaded with a file: neither types nor what it imports later. */
function loadedBy(path: string): string[] {
  const source = readFileSync(`${SRC}/${path}`, 'utf8')
  const imports = /^(?:import|export)\b(?!\s+type\b)(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm
  return [...source.matchAll(imports)].map((match) => match[1]!)
}

/** Whether `from` may import `to`, both modules of ours. */
function isAllowed(from: string, to: string): boolean {
  const target = layerOf(to)
  // A wing, as `hot/redis`, belongs to its folder; wings do not know each other.
  const isOwnRoom = folderOf(from).startsWith(folderOf(to)) || folderOf(to).startsWith(folderOf(from))
  const isBelow = target === 'kernel' || target === 'vocabulary' || target === 'contract'
  switch (layerOf(from)) {
    case 'kernel':
      return target === 'kernel'
    case 'vocabulary':
      return target === 'kernel' || target === 'vocabulary'
    case 'contract':
      return target === 'kernel' || target === 'vocabulary' || (target === 'contract' && topOf(from) === topOf(to))
    case 'stage':
      return isBelow || (isOwnRoom && target === 'stage') || usesSql(from, to)
    case 'flow':
      return isBelow || /^wal\//.test(to) || isNeighbour(from, to)
    case 'root':
      return (
        !['surface', 'adapter', 'testkit', 'build'].includes(target!) && !(/^store\//.test(from) && /^admin\//.test(to))
      )
    case 'surface':
      return (
        target === 'root' ||
        to === 'errors' ||
        (isOwnRoom && from !== 'index') ||
        isPublicName(from, to) ||
        isServed(from, to)
      )
    case 'adapter':
      return to === 'index' || to === 'call-options' || (target === 'adapter' && isShared(from, to))
    case 'testkit':
      return isBelow || target === 'testkit'
    case 'studio':
      return target === 'studio' || ['index', 'errors', 'call-options', 'admin/json-where'].includes(to)
    case 'page':
      return target === 'page' || to === 'studio/answers'
    case 'build':
      return !['surface', 'adapter', 'testkit'].includes(target!)
    default:
      return false
  }
}

const topOf = (module: string): string => module.split('/')[0]!

function isNeighbour(from: string, to: string): boolean {
  return topOf(from) === topOf(to) || FLOW_FOLDERS[topOf(from)]!.includes(topOf(to))
}

/** Both databases speak the same SQL. */
function usesSql(from: string, to: string): boolean {
  return topOf(from) === 'cold' && /^cold\/sql\//.test(to)
}

/** `index` names what is public, wherever it stands; it has no code of its own (see the test for that). */
function isPublicName(from: string, to: string): boolean {
  return from === 'index' && ['kernel', 'vocabulary', 'contract', 'flow'].includes(layerOf(to) ?? '')
}

/** A command serves the studio, or the tools of a model. */
function isServed(from: string, to: string): boolean {
  return topOf(from) === 'cli' && (layerOf(to) === 'studio' || /^adapters\/mcp\//.test(to))
}

/** Adapters do not know each other, but what several have in common is in one place. */
function isShared(from: string, to: string): boolean {
  return folderOf(from) === folderOf(to) || /^adapters\/(in-common|memory-tools|session-log)\//.test(to)
}

describe('layers', () => {
  it('have a place for every file', () => {
    expect(files.length).toBeGreaterThan(10)
    expect(files.filter((path) => layerOf(moduleOf(path)) === undefined)).toEqual([])
  })

  it.each(files)('%s imports only what its layer may', (path) => {
    const from = moduleOf(path)
    expect(modulesOf(path).filter((to) => !isAllowed(from, to))).toEqual([])
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

  it('have no circle', () => {
    const importers = new Map(files.map((path) => [moduleOf(path), modulesOf(path)]))
    const done = new Set<string>()
    const circleFrom = (module: string, way: readonly string[]): readonly string[] | undefined => {
      if (way.includes(module)) return [...way.slice(way.indexOf(module)), module]
      if (done.has(module)) return undefined
      for (const next of importers.get(module) ?? []) {
        const circle = circleFrom(next, [...way, module])
        if (circle !== undefined) return circle
      }
      done.add(module)
      return undefined
    }
    expect(
      [...importers.keys()].map((module) => circleFrom(module, [])).filter((circle) => circle !== undefined),
    ).toEqual([])
  })

  it('have no two files of one name, so that a name finds its file; commands bear the names of what they run', () => {
    const names = files.filter((path) => !path.startsWith('cli/')).map((path) => posix.basename(path))
    expect(names.filter((name, nth) => names.indexOf(name) !== nth)).toEqual([])
  })

  it('load a driver, SQL and the studio once a command needs them', () => {
    const loaded = new Set<string>()
    const load = (module: string): void => {
      if (loaded.has(module)) return
      loaded.add(module)
      const path = files.find((file) => moduleOf(file) === module)
      if (path !== undefined) for (const specifier of loadedBy(path)) load(resolved(path, specifier))
    }
    load('cli/main')
    expect(loaded).toContain('admin/diagnose-store')
    const late = /^(cold\/sql|studio|adapters)\/|^(drizzle-orm|ioredis|postgres|@electric-sql|@modelcontextprotocol)\b/
    expect([...loaded].filter((module) => late.test(module))).toEqual([])
  })

  it('read the environment in one place', () => {
    const readers = files.filter((path) => /\bprocess\.env\b/.test(readFileSync(`${SRC}/${path}`, 'utf8')))
    expect(readers).toEqual(['cli/environment.ts'])
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
    ['kernel/clock', 'entry/record', false],
    ['hot/hot-tier', 'entry/record', true],
    ['hot/hot-tier', 'cold/cold-tier', false],
    ['hot/in-process/in-process-hot-tier', 'hot/in-process/markers', true],
    ['hot/in-process/in-process-hot-tier', 'hot/redis/redis-keys', false],
    ['hot/in-process/in-process-hot-tier', 'wal/format', true],
    ['hot/in-process/in-process-hot-tier', 'wal/segment-cursor', false],
    ['hot/in-process/in-process-hot-tier', 'cold/schema', false],
    ['cold/pglite/pglite-driver', 'cold/sql/ship-batch', true],
    ['cold/pglite/pglite-driver', 'cold/postgres/postgres-pool', false],
    ['cold/pglite/pglite-driver', 'options', false],
    ['flow/reader', 'wal/write-ahead-log', true],
    ['flow/reader', 'hot/hot-tier', true],
    ['flow/reader', 'hot/in-process/in-process-hot-tier', false],
    ['flow/reader', 'cold/pglite/pglite-driver', false],
    ['flow/reader', 'sync/checkpointer', false],
    ['flow/reader', 'telemetry/telemetry', true],
    ['telemetry/telemetry', 'flow/reader', false],
    ['recovery/recover-log', 'sync/checkpointer', false],
    ['sync/sync-worker', 'flow/pending', true],
    ['sync/sync-worker', 'store/memory-store', false],
    ['store/memory-store', 'cold/pglite/pglite-driver', true],
    ['store/memory-store', 'admin/list-logs', false],
    ['store/memory-store', 'cli/main', false],
    ['cli/main', 'store/memory-store', true],
    ['cli/main', 'cli/progress', true],
    ['cli/main', 'flow/reader', false],
    ['cli/main', 'index', false],
    ['index', 'cli/main', false],
    ['index', 'cold/pglite/pglite-driver', false],
    ['adapters/langgraph/thermocline-saver', 'index', true],
    ['adapters/langgraph/thermocline-saver', 'store/memory-store', false],
    ['adapters/langchain/thermocline-vector-store', 'adapters/langchain/document-filter', true],
    ['adapters/langchain/thermocline-vector-store', 'adapters/langgraph/item-filter', false],
    ['cli/studio', 'studio/studio', true],
    ['index', 'studio/studio', false],
    ['studio/routes', 'index', true],
    ['studio/routes', 'store/memory-store', false],
    ['studio/routes', 'studio/page/main', false],
    ['studio/page/main', 'studio/answers', true],
    ['studio/page/main', 'studio/routes', false],
    ['index', 'adapters/otel/start-telemetry', false],
    ['adapters/otel/start-telemetry', 'index', true],
    ['adapters/otel/start-telemetry', 'adapters/otel/call-spans', true],
    ['adapters/otel/start-telemetry', 'adapters/keyv/keyv-store', false],
    ['adapters/mcp/memory-server', 'adapters/memory-tools/memory-tools', true],
    ['adapters/memory-tools/memory-tools', 'adapters/mcp/memory-server', false],
    ['cli/mcp', 'adapters/mcp/memory-server', true],
    ['cli/find', 'adapters/keyv/keyv-thermocline', false],
    ['adapters/otel/start-telemetry', 'store/memory-store', false],
    ['store/memory-store', 'adapters/otel/start-telemetry', false],
    ['testkit/testkit', 'hot/hot-tier', true],
    ['testkit/testkit', 'hot/in-process/in-process-hot-tier', false],
    ['testkit/testkit', 'index', false],
    ['index', 'testkit/testkit', false],
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
