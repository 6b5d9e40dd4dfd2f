/** What cold had at one moment, on each pair of drivers. */
import { expect, test } from 'vitest'
import { describeGated } from './gate.ts'

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
})
