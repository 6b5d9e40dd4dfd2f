/**
 * Writes files that are not TypeScript, and the page of the studio, into TypeScript modules, as text. So the code looks
 * up no file at run time: in a bundle, other files would be beside it. `npm run embed` runs this after a change of a
 * source; so do `npm run db:generate` and `npm run build`. A test fails where a module is older than its source.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, buildSync } from 'esbuild'

const ROOT = join(import.meta.dirname, '../..')

/** Text per module, by its path in the repository. */
export function embeddedModules(): Record<string, string> {
  return {
    'src/cold/migrations.embedded.ts': migrations(),
    'src/cold/pglite/pglite-worker.embedded.ts': worker('src/cold/pglite/pglite-worker.js'),
    'src/wal/log-device-worker.embedded.ts': worker('src/wal/log-device-worker.js'),
    'src/studio/page.embedded.ts': studioPage('src/studio/page'),
  }
}

function worker(path: string): string {
  return moduleOf(path, 'WORKER_SOURCE', read(path))
}

function migrations(): string {
  const journal = JSON.parse(read('drizzle/meta/_journal.json')) as { entries: { when: number; tag: string }[] }
  const files = journal.entries.map(({ tag, when }) => ({ tag, when, text: read(`drizzle/${tag}.sql`) }))
  return moduleOf('drizzle/', 'MIGRATION_FILES', files)
}

/** What the page is drawn with, which has to be said wherever it travels. */
const LICENSES =
  '/*! With preact (MIT, Jason Miller), htm (Apache-2.0, Google Inc.) and uPlot (MIT, Leon Sorokin), as on npm. */'

/** One script and one style sheet, with all that they import. */
function studioPage(folder: string): string {
  const options = { bundle: true, minify: true, write: false, target: 'es2022', legalComments: 'none' } as const
  const files = {
    '': { type: 'text/html; charset=utf-8', text: read(`${folder}/studio.html`) },
    'studio.js': {
      type: 'text/javascript; charset=utf-8',
      text: bundled(`${folder}/main.ts`, { ...options, format: 'esm', banner: { js: LICENSES } }),
    },
    'studio.css': { type: 'text/css; charset=utf-8', text: bundled(`${folder}/studio.css`, options) },
  }
  // Without `as const`, which would have the whole page in the types as well.
  const type = 'Readonly<Record<string, { readonly type: string; readonly text: string }>>'
  const text = JSON.stringify(files, null, 2)
  return `/** Made from \`${folder}\` by \`npm run embed\`. */\nexport const PAGE_FILES: ${type} = ${text}\n`
}

function bundled(entry: string, options: BuildOptions & { readonly write: false }): string {
  return buildSync({ ...options, absWorkingDir: ROOT, entryPoints: [entry] }).outputFiles[0]!.text
}

function moduleOf(source: string, name: string, value: unknown): string {
  return `/** Made from \`${source}\` by \`npm run embed\`. */\nexport const ${name} = ${JSON.stringify(value, null, 2)} as const\n`
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  for (const [path, text] of Object.entries(embeddedModules())) writeFileSync(join(ROOT, path), text)
