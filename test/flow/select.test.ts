/** `select`: the same fields from pending and from cold, and nothing else is read. */
import { PgDialect } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { findSql } from '../../src/cold/sql/find-entries.ts'
import type { NamespaceView } from '../../src/index.ts'
import { parseOrder } from '../../src/query/order.ts'
import { fieldsNeeded, parseSelect, selectsReads } from '../../src/query/select.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

describePairs('select', (pair) => {
  const { store, view } = shareStore(pair)

  async function filled(): Promise<NamespaceView> {
    const there = view()
    const chunks = [0, 1, 2, 3].map((n) => {
      return { text: `the words of ${n}`, position: 3 - n, metadata: { n }, embedding: vectorOf(n) }
    })
    await there.chunks.putMany(chunks)
    await there.raptorNodes.put({ level: 1, summary: 'the words of all', children: [], embedding: vectorOf(9) })
    return there
  }

  it.each(['pending', 'cold'])('answers these fields and the kind, of what is in %s', async (place) => {
    const there = await filled()
    if (place === 'cold') await store().checkpoint()
    const { items } = await there.chunks.find({ select: ['metadata'], orderBy: { position: 'desc' } })
    expect(items).toEqual([0, 1, 2, 3].map((n) => ({ kind: 'chunk', metadata: { n } })))
    const [node] = (await there.entries.find({ where: { kind: 'raptor' }, select: ['summary', 'children'] })).items
    expect(node).toEqual({ kind: 'raptor', summary: 'the words of all', children: [] })
    const [chunk] = (await there.chunks.find({ select: ['embedding', 'accessCount', 'documentId'], limit: 1 })).items
    expect(Object.keys(chunk!).sort()).toEqual(['accessCount', 'embedding', 'kind'])
    expect(chunk!.embedding).toHaveLength(8)
  })

  it('orders and pages by fields that it does not answer, each page by a selection of its own', async () => {
    const there = await filled()
    await store().checkpoint()
    await there.chunks.put({ text: 'pending', metadata: { n: 1.5 } })
    const orderBy = { 'metadata.n': 'desc' } as const
    const first = await there.chunks.find({ orderBy, limit: 2, select: ['position'] })
    expect(first.items).toEqual([
      { kind: 'chunk', position: 0 },
      { kind: 'chunk', position: 1 },
    ])
    const rest = await there.chunks.find({ orderBy, cursor: first.nextCursor, select: ['text'] })
    expect(rest.items.map(({ text }) => text)).toEqual(['pending', 'the words of 1', 'the words of 0'])
    const all: object[] = []
    for await (const entry of there.chunks.findAll({ orderBy, limit: 2, select: ['id'] })) all.push(entry)
    expect(all.map((entry) => Object.keys(entry))).toEqual(Array(5).fill(['kind', 'id']))
  })

  it('shows of hits what was selected, by vector, by text and by both', async () => {
    const there = await filled()
    await store().checkpoint()
    await there.chunks.put({ text: 'the words of one that is pending', embedding: vectorOf(20) })
    for (const by of [{ embedding: vectorOf(1) }, { text: 'words' }, { text: 'words', embedding: vectorOf(1) }]) {
      const all = await there.chunks.search({ ...by, k: 5 })
      const { hits } = await there.chunks.search({ ...by, k: 5, select: ['id', 'text'] })
      const shown = all.hits.map(({ entry: { kind, id, text }, ...hit }) => ({ entry: { kind, id, text }, ...hit }))
      expect(hits).toEqual(shown)
      expect(all.hits[0]?.entry.embedding).toHaveLength(8)
    }
    const alike = { embedding: vectorOf(1), text: 'words', k: 2, mmr: {} }
    const { hits } = await there.chunks.search({ ...alike, select: ['text'] })
    const whole = await there.chunks.search(alike)
    expect(hits.map(({ entry }) => entry)).toEqual(whole.hits.map(({ entry }) => ({ kind: 'chunk', text: entry.text })))
  })

  it.each([[[]], ['id'], [['nonsense']], [new Array(1)], [['toString']], [null]])('refuses %j', async (select) => {
    const bad = { select } as unknown as { select: ['id'] }
    const refusal = { code: 'ERR_INVALID_QUERY', details: { field: 'select' } }
    await expect(view().chunks.find(bad)).rejects.toMatchObject(refusal)
    await expect(view().chunks.search({ ...bad, text: 'a' })).rejects.toMatchObject(refusal)
  })
})

describe('the statement', () => {
  it('names no column that was not asked for', () => {
    const order = parseOrder({ text: 'asc' })
    const fields = fieldsNeeded(parseSelect(['id', 'metadata']), order)
    const query = { scope: { namespace: 'a', recursive: false }, filter: [], now: 0, exclude: [], order, fields }
    const { sql } = new PgDialect().sqlToQuery(findSql(query, 10))
    expect(sql).not.toMatch(/embedding|e\.\*/)
    expect(sql).toMatch(/e\.metadata_order/)
    expect(sql).toMatch(/e\.text/)
  })

  it('reads a namespace and those below it apart only where an index has each in order', () => {
    const query = { scope: { namespace: 'a', recursive: true }, filter: [], now: 0, exclude: [] }
    const partsOf = (...given: string[]) => {
      const { sql } = new PgDialect().sqlToQuery(findSql({ ...query, order: parseOrder(given) }, 10))
      return sql.match(/FROM thermocline\.memory_entries/g)?.length
    }
    expect([[], ['documentId', 'position'], ['level']].map((order) => partsOf(...order))).toEqual([2, 2, 2])
    expect([['version'], ['createdAt', 'level'], ['text']].map((order) => partsOf(...order))).toEqual([1, 1, 1])
  })

  it('looks up reads only where they were asked for', () => {
    const query = { scope: { namespace: 'a', recursive: false }, filter: [], now: 0, exclude: [] }
    const textOf = (withReads?: boolean) => new PgDialect().sqlToQuery(findSql({ ...query, withReads }, 10)).sql
    expect(textOf()).toMatch(/entry_access/)
    expect(textOf(false)).not.toMatch(/entry_access|access_count/)
    expect(
      [undefined, ['id', 'accessCount'], ['lastAccessedAt']].map((given) => selectsReads(given && parseSelect(given))),
    ).toEqual([true, true, true])
    expect(selectsReads(parseSelect(['id']))).toBe(false)
  })
})
