/**
 * No page is too wide to be read: the formatter leaves comments and texts as long as they are. How long functions and
 * test files may be is said in `biome.json`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const MOST_COLUMNS = 120

/** Wider lines that a file has, most of them texts of messages. The numbers may only shrink. */
const ALLOWED: Readonly<Record<string, number>> = {
  'src/admin/retire-log.ts': 1,
  'src/build/embed.ts': 1,
  'src/cli/inspect.ts': 2,
  'src/cli/logs.ts': 1,
  'src/cli/main.ts': 1,
  'src/cli/recover.ts': 4,
  'src/cli/store-options.ts': 2,
  'src/cli/sync.ts': 3,
  'src/cold/cold-store.ts': 1,
  'src/cold/late-cold-tier.ts': 1,
  'src/cold/migrate-schema.ts': 4,
  'src/cold/pglite/pglite-folder.ts': 1,
  'src/cold/pglite/pglite-worker.js': 4,
  'src/cold/postgres/postgres-errors.ts': 3,
  'src/cold/postgres/build-concurrently.ts': 2,
  'src/cold/postgres/postgres-server.ts': 1,
  'src/cold/postgres/postgres-url.ts': 1,
  'src/cold/schema.ts': 2,
  'src/cold/sql/entry-access.ts': 2,
  'src/cold/sql/filter-sql.ts': 1,
  'src/cold/sql/find-entries.ts': 1,
  'src/cold/sql/hot-generations.ts': 1,
  'src/cold/sql/vector-extension.ts': 2,
  'src/errors.ts': 3,
  'src/flow/pressure.ts': 1,
  'src/hot/redis/redis-errors.ts': 4,
  'src/hot/redis/redis-scripts.ts': 1,
  'src/hot/redis/redis-warnings.ts': 1,
  'src/kernel/folder-trust.ts': 2,
  'src/recovery/recover-log.ts': 1,
  'src/store/data-folder.ts': 1,
  'src/store/folder-warnings.ts': 2,
  'src/store/open-cold.ts': 2,
  'src/store/open-log.ts': 1,
  'src/store/resolve-options.ts': 2,
  'src/store/sole-process.ts': 1,
  'src/sync/checkpointer.ts': 2,
  'src/sync/database-clock.ts': 1,
  'src/sync/outage-report.ts': 1,
  'src/wal/locked-log.ts': 1,
  'src/wal/log-errors.ts': 1,
  'src/wal/log-scan.ts': 1,
  'src/wal/segment-start.ts': 1,
  'test/canary.test.ts': 1,
  'test/cli/servers-away.test.ts': 1,
  'test/cold/migrate-schema.test.ts': 7,
  'test/cold/pglite/pglite-image.test.ts': 1,
  'test/cold/postgres/postgres-pooler.test.ts': 1,
  'test/demo/options.ts': 1,
  'test/entry/codec.test.ts': 1,
  'test/fault/kill.test.ts': 2,
  'test/fault/power-cut-database.test.ts': 2,
  'test/fault/recovery-kill.test.ts': 1,
  'test/fault/recovery-steps.test.ts': 1,
  'test/fault/soak.ts': 1,
  'test/fault/system-calls.ts': 1,
  'test/flow/batches.test.ts': 1,
  'test/flow/clock.test.ts': 1,
  'test/flow/model.test.ts': 2,
  'test/package.test.ts': 1,
  'test/servers/open-without-cold.test.ts': 1,
  'test/store/data-folder.test.ts': 1,
  'test/sync/outage-report.test.ts': 1,
  'test/tools/budget.ts': 1,
  'test/wal/takeover.test.ts': 1,
  'test/wal/write-ahead-log.test.ts': 1,
}

const sources = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
)
const written = sources.filter(
  (path) =>
    /\.(ts|mts|js|mjs)$/.test(path) &&
    !path.includes('node_modules') &&
    !/\.embedded\.ts$|^test\/types\/api\//.test(path),
)

test('no line is wider than 120 columns', () => {
  const wide = written.flatMap((path) => {
    const lines = readFileSync(join(ROOT, path), 'utf8').split('\n')
    const numbers = lines.flatMap((line, i) => ([...line].length > MOST_COLUMNS ? [i + 1] : []))
    return numbers.length > (ALLOWED[path] ?? 0) ? [`${path}:${numbers.join(',')}`] : []
  })
  expect(wide).toEqual([])
})
