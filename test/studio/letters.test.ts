/** What the studio tells of what goes wrong, and of what a sync would do; and what it does to dead letters. */
import { expect, test } from 'vitest'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { QUIET } from '../flow/stores.ts'
import { openBackend } from '../servers/private-servers.ts'
import { AskedStudio } from './ask-studio.ts'

test('alerts, dead letters and what a sync would do are told, and letters are retried and given up', async () => {
  const { store, cold } = await openBackend({ inMemory: true, ...QUIET, logger: false })
  const { id } = await store.chunks.put({ text: 'idle' })
  await store.checkpoint()
  const textOf = (n: number): string => `secret ${n} ${'x'.repeat(20_000)}`
  const refused = [1, 2].map((n) => chunkOf('default', n, n, { key: `k${n}`, text: textOf(n), position: -1 }))
  await cold.upsert(refused)
  const looking = new AskedStudio(store)
  const asked = new AskedStudio(store, { write: true })

  const { items } = (await looking.get('dead-letters')).body
  expect(items).toMatchObject([{ namespace: 'default', kind: 'chunk' }, { refusedAt: expect.any(Number) }])
  expect(JSON.stringify(items)).not.toContain('secret')
  const said = (await looking.get('dead-letters', { content: '1', limit: '1' })).body
  expect(said).toMatchObject({ items: [{ text: expect.stringMatching(/^secret/) }], nextCursor: expect.any(String) })
  expect(said.items[0].text).toHaveLength(10_000)
  expect((await looking.get('dead-letters', { limit: '1000000' })).body.items).toHaveLength(2)
  const { alerts } = (await looking.get('overview')).body
  expect(alerts).toMatchObject([{ code: 'dead-letters', severity: 'critical', message: expect.any(String) }])

  const [one, two] = items.map(({ letter }: { letter: string }) => letter)
  expect((await looking.post('drop-dead-letters', { letters: [one] })).status).toBe(403)
  expect((await asked.post('drop-dead-letters', { letters: 'all' })).status).toBe(400)
  expect((await asked.post('retry-dead-letters', { letters: [one] })).body).toMatchObject({ matched: 1, written: 0 })
  expect((await asked.post('drop-dead-letters', { letters: [one, two] })).body).toEqual({ matched: 2, dropped: 2 })
  expect((await looking.get('dead-letters')).body.items).toEqual([])

  const preview = (await looking.get('preview')).body
  expect(preview).toMatchObject({ demote: [{ id, why: expect.stringMatching(/^would leave: the policy/) }], stay: [] })
  expect((await store.entries.explain(id)).hot).toBeDefined()
})
