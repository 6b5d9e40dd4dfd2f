/**
 * Opens stores that cannot be opened, prints what each was refused for, and then the threads that are left. It ends by
 * itself once none is.
 */
import { join } from 'node:path'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'

const dir = process.argv[2]!
const held = join(dir, 'held')
const store = await openMemoryStore({ dir: held, logger: false })
const unusable = { dir: join(dir, 'other'), logger: false, hot: { maxEntries: 0 } } as const
const codes: unknown[] = []
for (const options of [{ dir: held, logger: false }, unusable, null] as (MemoryStoreOptions | undefined)[])
  codes.push(
    await openMemoryStore(options).then(
      () => 'opened',
      (error: { code: string }) => error.code,
    ),
  )
await store.close()
const threads = process.getActiveResourcesInfo().filter((name) => name === 'MessagePort')
console.log(JSON.stringify({ codes, threads }))
