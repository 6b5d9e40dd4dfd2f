/**
 * The public types as one readable file per entry of the package, in the folder `api` beside this: what a change of
 * them means to users is seen in review. `npm run api` writes them anew; api-report.test.ts compares.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { type Plugin, rollup } from 'rollup'
import { pluginOf } from '../tools/bundlers.ts'

const ROOT = join(import.meta.dirname, '../..')
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

const HEAD = '// The public types, rolled up. `npm run api` writes this file; do not edit it.\n\n'

/** Answers the checked-in file of an entry. */
export function reportFile(entry: string): string {
  return join(import.meta.dirname, 'api', `${entry}.d.ts`)
}

/** Entry points by name, as the package exports them: `index` for `.`, `schema` for `./schema`. */
const ENTRIES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries<{ types?: string }>(PACKAGE.exports)
    .filter(([, target]) => target.types !== undefined)
    .map(([name, target]) => [name === '.' ? 'index' : name.slice('./'.length), relative('dist', target.types!)]),
)

/** Answers the report of each entry by its name. Takes a few seconds: everything is compiled as it is for a release. */
export async function makeReports(): Promise<ReadonlyMap<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'thermocline-api-'))
  try {
    const reports = new Map<string, string>()
    emitDeclarations(folder)
    const root = join(folder, ENTRIES.index!)
    for (const [name, file] of Object.entries(ENTRIES)) reports.set(name, await rollUp(join(folder, file), root))
    return reports
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Without comments: a report changes with the types, not with the words about them. */
function emitDeclarations(folder: string): void {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const options = ['--emitDeclarationOnly', '--removeComments', '--outDir', folder]
  execFileSync(process.execPath, [compiler, '-p', join(ROOT, 'tsconfig.build.json'), ...options], { stdio: 'inherit' })
}

/** @param root whose types another entry imports, as its users do: they are in the report of that alone. */
async function rollUp(entry: string, root: string): Promise<string> {
  const dts = await pluginOf('rollup-plugin-dts')
  const isRoot = (id: string, from: string): boolean => declarationsOf(resolve(dirname(from), id)) === root
  const ofRoot: Plugin = {
    name: 'types of the root',
    resolveId: (id, from) => (from !== undefined && isRoot(id, from) ? { id: PACKAGE.name, external: true } : null),
  }
  const bundle = await rollup({ input: entry, external: /^[^./]/, plugins: [ofRoot, dts()] })
  const { output } = await bundle.generate({ format: 'es' })
  return HEAD + inOrder(onOneLine(output[0].code))
}

function declarationsOf(path: string): string {
  return path.replace(/(?<!\.d)\.[jt]s$/, '.d.ts')
}

/** A column of drizzle is fifteen lines, of which a reader of a change needs one. */
function onOneLine(code: string): string {
  return code.replace(/PgColumn<\{[\s\S]*?\}, \{\}, \{[\s\S]*?\}>/g, (column) => column.replace(/\s+/g, ' '))
}

/** Declarations by their names: a report stays as it is where a type moves to another file. */
function inOrder(code: string): string {
  const statements = code.split(/\n+(?=[a-z])/).map((statement) => statement.trim())
  const nameOf = (statement: string): string =>
    statement.replace(/^(?:declare|abstract|class|const|function|interface|type|\s)+/, '')
  const isDeclaration = (statement: string): boolean => !/^(?:import|export)\b/.test(statement)
  const declared = statements.filter(isDeclaration).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  const imported = statements.filter((statement) => statement.startsWith('import'))
  const exported = statements.filter((statement) => statement.startsWith('export'))
  return `${[...imported, ...declared, ...exported].join('\n\n')}\n`
}

if (import.meta.filename === process.argv[1])
  for (const [entry, report] of await makeReports()) writeFileSync(reportFile(entry), report)
