/** Our store as the processes of the crash suite open it; options as JSON in the query of this module's URL. */
import { openMemoryStore } from '../../src/index.ts'
import type { TestedStore } from '../../src/testkit/testkit.ts'
import { testedStore } from './memory-store.ts'

export async function open(folder: string): Promise<TestedStore> {
  const options = JSON.parse(new URL(import.meta.url).searchParams.get('options')!)
  const store = await openMemoryStore({
    dir: folder,
    checkpoint: { every: 40 },
    sync: { schedule: '* * * * * *', hotToColdAge: 20 },
    wal: { segmentBytes: 64 * 1024 },
    ...options,
  })
  return { ...testedStore(store), close: () => store.close() }
}
