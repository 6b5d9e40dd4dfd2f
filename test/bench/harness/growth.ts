/** What cases of growth have in common: the same works on stores that hold more and more. */
import type { MemoryStore } from '../../../src/index.ts'
import { type Row, ratioAtLeast, type Sample, type Subjects } from './bench-case.ts'
import { chunk } from './entries.ts'
import { load } from './load.ts'
import { timed } from './timed.ts'

/** What a store is compared with that holds more. */
export const SMALL = 10_000
/** Entries that are older than all others, and as many leave hot in each round. */
export const GROUP = 500
const BATCH = 500
const MEASURED = 1_000

const WORKS = {
  put: 'put',
  get: 'get',
  checkpoint: 'checkpoint, rows',
  demotion: 'demotion, entries',
  stats: 'stats()',
}

/** @param where as in 'on Redis'. @param more works of this case alone, by figure. */
export function growthRows(size: number, where: string, more: Readonly<Record<string, string>> = {}): Row[] {
  return Object.entries({ ...WORKS, ...more }).map(([figure, work]) => ({
    title: `${work}, with ${size.toLocaleString('en-US')} hot entries ${where}`,
    figure,
    unit: '/s',
    subject: nameOf(size),
    reference: { subject: nameOf(SMALL) },
    goals: [ratioAtLeast(0.85)],
  }))
}

/** Of each size a store that is filled once. */
export async function growthSubjects(
  sizes: readonly number[],
  fill: (size: number, nth: number) => Promise<{ measure(): Promise<Sample> }>,
): Promise<Subjects> {
  const subjects: Record<string, () => Promise<Sample>> = {}
  for (const [nth, size] of sizes.entries()) {
    const grown = await fill(size, nth)
    subjects[nameOf(size)] = () => grown.measure()
  }
  return subjects
}

function nameOf(size: number): string {
  return `${size.toLocaleString('en-US')} entries`
}

export async function putGroup({ chunks }: MemoryStore): Promise<void> {
  await chunks.putMany(Array.from({ length: GROUP }, (_, nth) => chunk(nth)))
}

/** Puts entries until there are so many, and ships them. Answers the ids of those that are measured. */
export async function fillUp(store: MemoryStore, from: number, size: number): Promise<string[]> {
  for (let filled = from; filled < size - MEASURED; filled += BATCH)
    await store.chunks.putMany(Array.from({ length: BATCH }, (_, nth) => ({ text: `one of many, ${filled + nth}` })))
  const measured = await store.chunks.putMany(Array.from({ length: MEASURED }, (_, nth) => chunk(nth)))
  await store.checkpoint({ timeout: '5m' })
  return measured.map(({ id }) => id)
}

/** How often a second each can be done, over what is there, so that the number of entries stays. */
export async function measureAtSize(store: MemoryStore, ids: readonly string[]): Promise<Record<string, number>> {
  const { chunks } = store
  const idOf = (nth: number): string => ids[nth % ids.length]!
  const get = await load((nth) => chunks.get(idOf(nth)), { callers: 64, ms: 500 })
  const put = await load((nth) => chunks.put({ ...chunk(nth), id: idOf(nth) }), { callers: 64, ms: 500 })
  await store.checkpoint()
  await chunks.putMany(ids.map((id, nth) => ({ ...chunk(nth), id })))
  const shipped = await timed(ids.length, () => store.checkpoint())
  const stats = await timed(1, () => store.stats())
  return {
    get: get.figures.perSecond!,
    put: put.figures.perSecond!,
    checkpoint: shipped.figures.perSecond!,
    stats: stats.figures.perSecond!,
  }
}
