/**
 * Writes files that are not TypeScript into TypeScript modules, as text. So the code looks up no file at run time: in a
 * bundle, other files would be beside it. `npm run embed` runs this after a change of a source; so do `npm run
 * db:generate` and `npm run build`. A test fails where a module is older than its source.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const ROOT = join(import.meta.dirname, '../..')

/** Text per module, by its path in the repository. */
export function embeddedModules(): Record<string, string> {
  return {
    'src/cold/migrations.embedded.ts': migrations(),
    'src/cold/pglite/pglite-worker.embedded.ts': worker('src/cold/pglite/pglite-worker.js'),
    'src/wal/log-device-worker.embedded.ts': worker('src/wal/log-device-worker.js'),
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

function moduleOf(source: string, name: string, value: unknown): string {
  return `/** Made from \`${source}\` by \`npm run embed\`. */\nexport const ${name} = ${JSON.stringify(value, null, 2)} as const\n`
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  for (const [path, text] of Object.entries(embeddedModules())) writeFileSync(join(ROOT, path), text)
