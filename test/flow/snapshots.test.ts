/** What cold had at one moment, on each pair of drivers. */
import { expect, test } from 'vitest'
import type { ColdSnapshot } from '../../src/cold/cold-tier.ts'
import { chunkOf, keyOf, PAST } from '../../src/testkit/contract/cold-records.ts'
import { describeGated } from './gate.ts'

async function countRows(pages: ReturnType<ColdSnapshot['pages']>): Promise<number> {
  let rows = 0
  for await (const page of pages) rows += page.length
  return rows
}

describeGated('a snapshot', (tiers) => {
  test('shows its moment, whatever is written, deleted and swept while it is read', async () => {
    await using store = await tiers.open()
    const { chunks } = store
    const receipts = await chunks.putMany(Array.from({ length: 1_100 }, (_, i) => ({ text: `${i}`, position: i })))
    await store.checkpoint()
    const before = (await chunks.find({ limit: 10_000 })).items.map(({ text }) => text)
    const snapshot = await tiers.cold.tier.snapshot({
      ...{ scope: { namespace: 'default', recursive: false }, filter: [] },
      ...{ now: Date.now(), exclude: [] },
    })
    const texts: (string | null)[] = []
    for await (const rows of snapshot.pages()) {
      texts.push(...rows.map(({ record }) => record.text))
      if (texts.length > 600) continue
      await chunks.putMany(receipts.map(({ id }, i) => ({ id, text: `other ${i}` })))
      await chunks.putMany([{ text: 'new' }, { text: 'new' }])
      await chunks.deleteMany(receipts.slice(500, 700).map(({ id }) => id))
      await store.sync()
    }
    await snapshot.close()
    expect(snapshot.count).toBe(1_100)
    expect(texts.sort()).toEqual(before.sort())
    expect(await chunks.count()).toBe(902)
  })

  const numbers = Array.from({ length: 1_200 }, (_, i) => i)
  const all = { scope: { namespace: 'stalled', recursive: false }, exclude: [] }

  test('has what has expired since, and keeps no sweep waiting, however long nobody reads', async () => {
    await using _ = await tiers.open({ sync: false })
    const { tier } = tiers.cold
    await tier.upsert(numbers.map((n) => chunkOf('stalled', n, n + 1, { expiresAt: PAST })))
    const snapshot = await tier.snapshot({ ...all, filter: [], now: PAST - 1 })
    const pages = snapshot.pages()
    const first = await pages.next()
    expect(await tier.sweep({ graceMs: 0, limit: 700 })).toMatchObject({ expired: 700 })
    expect(await tier.sweep({ graceMs: 0, limit: 700 })).toMatchObject({ expired: 500 })
    expect(first.value!.length + (await countRows(pages))).toBe(snapshot.count)
    expect(snapshot.count).toBe(numbers.length)
    await snapshot.close()
  })

  test('has what it counted, whatever is read meanwhile of what is selected by its reads', async () => {
    await using _ = await tiers.open({ sync: false })
    const { tier } = tiers.cold
    const read = numbers.map((n) => ({ ...keyOf('stalled', n), lastAccessedAt: PAST, accesses: 1 }))
    await tier.upsert(numbers.map((n) => chunkOf('stalled', n, n + 1)))
    await tier.recordAccess(read.slice(0, 1_100))
    const filter = [{ field: 'accessCount', operator: 'eq', value: 1 }] as const
    const snapshot = await tier.snapshot({ ...all, filter, now: PAST })
    const pages = snapshot.pages()
    const first = await pages.next()
    await tier.recordAccess(read.slice(1_000, 1_100))
    expect(first.value!.length + (await countRows(pages))).toBe(snapshot.count)
    expect(snapshot.count).toBe(1_100)
    await snapshot.close()
  })
})
