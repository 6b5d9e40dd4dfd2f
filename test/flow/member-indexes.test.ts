/** Indexes of members of metadata: declared once, there from then on, and the same answers with them as without. */
import { expect, it } from 'vitest'
import { type MemoryStore, metadataPath, type OrderField, openMemoryStore, type Where } from '../../src/index.ts'
import { someOf } from '../tools/budget.ts'
import { describePairs, temporaryFolder } from './stores.ts'

const LONG = 'é'.repeat(5_000)
const TITLES = ['', 'a', 'ab', 'b', '\u{10ffff}', LONG, `${LONG}x`, `${LONG.slice(0, 127)}z`]
const YEARS = [-1, 0, 1999.5, 2001, 1e300, null, '2001', [2001]]
const ODD = metadataPath("it's", 'a "\\path" $.x')

const CONDITIONS: readonly Where[] = [
  { 'metadata.year': { gt: 0 } },
  { 'metadata.year': { gte: 1999.5, lt: 2001 } },
  { not: { 'metadata.year': { lte: 2001 } } },
  ...[...TITLES, LONG.slice(0, 128), LONG.slice(0, 129)].flatMap((title): Where[] => [
    { 'metadata.title': { startsWith: title } },
    { 'metadata.title': { gt: title } },
    { 'metadata.title': { lte: title } },
  ]),
  { [ODD]: { gte: 'b' } },
]

async function counts(store: MemoryStore): Promise<number[]> {
  const answers: number[] = []
  for (const where of CONDITIONS) answers.push(await store.metadata.count({ where }))
  return answers
}

const ORDERS = ['metadata.year', 'metadata.title', ODD, 'metadata.absent'] as OrderField[]

/** Titles and years as they follow each other, a few on a page. */
async function pages(store: MemoryStore): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const field of ORDERS)
    for (const direction of someOf(['asc', 'desc'] as const))
      for (let cursor: string | undefined, n = 0; n === 0 || cursor !== undefined; n++) {
        const page = await store.metadata.find({ orderBy: { [field]: direction }, limit: 3, cursor })
        answers.push(page.items.map(({ metadata }) => metadata))
        cursor = page.nextCursor
      }
  return answers
}

describePairs('indexes of metadata', (pair) => {
  it('are there once they are declared, hold texts of any length, and change no answer', async () => {
    const base = await pair.options({ dir: await temporaryFolder() })
    const options = { ...base, dir: base.dir ?? (await temporaryFolder()), inMemory: false }
    const openWith = (cold: object) => openMemoryStore({ ...options, cold: { ...options.cold, ...cold } })
    const plain = await openWith({})
    for (const [n, title] of TITLES.entries())
      await plain.metadata.put({ metadata: { title, year: YEARS[n]!, "it's": { 'a "\\path" $.x': title } } })
    await plain.metadata.put({ metadata: { other: true } })
    const expected = await counts(plain)
    const inOrder = await pages(plain)
    await plain.checkpoint()
    expect(await counts(plain)).toEqual(expected)
    expect(await pages(plain)).toEqual(inOrder)
    await plain.close()

    const indexes = ['metadata.year', 'metadata.title', ODD]
    await expect(openWith({ indexes, migrate: 'check' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('cold.indexes'),
    })
    await (await openWith({ indexes })).close()
    const checked = await openWith({ indexes, migrate: 'check' })
    expect(await counts(checked)).toEqual(expected)
    expect(await pages(checked)).toEqual(inOrder)
    await checked.metadata.putMany(TITLES.map((title) => ({ metadata: { title, year: 1 } })))
    const { rejected } = await checked.checkpoint()
    expect(rejected).toBe(0)
    await checked.close()
  })
})
