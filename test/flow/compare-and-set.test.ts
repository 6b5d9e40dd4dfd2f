/** Writes that depend on what they replace, on each pair of drivers. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { isThermoclineError, type NamespaceView } from '../../src/index.ts'
import { describeGated } from './gate.ts'
import { describePairs, shareStore } from './stores.ts'

const conflict = (actual: string | null) => ({ code: 'ERR_CONFLICT', details: { actual, outcome: 'none' } })

describePairs('a put that expects a version', (pair) => {
  const { view } = shareStore(pair)

  test('takes its place, and is in cold', async () => {
    const { chunks } = view()
    const first = await chunks.put({ key: 'a', text: 'one' })
    const second = await chunks.put({ key: 'a', text: 'two' }, { expectedVersion: first.version })
    expect(second).toMatchObject({ id: first.id, durability: 'cold' })
    expect(second.version > first.version).toBe(true)
    expect(await chunks.get(first.id)).toMatchObject({ text: 'two', version: second.version })
    expect((await chunks.explain(first.id)).cold?.version).toBe(second.version)
  })

  test('is refused where another is there, and where there is none', async () => {
    const { chunks } = view()
    const { id, version } = await chunks.put({ key: 'a', text: 'one' })
    const newer = await chunks.put({ key: 'a', text: 'two' })
    const late = () => chunks.put({ key: 'a', text: 'three' }, { expectedVersion: version })
    await expect(late()).rejects.toMatchObject(conflict(newer.version))
    await chunks.delete(id)
    await expect(late()).rejects.toMatchObject(conflict(null))
    expect(await chunks.get(id)).toBeUndefined()
  })

  test('expects none: it is the first, or follows a deleted or expired one, and is refused else', async () => {
    const { chunks } = view()
    const put = (text: string) => chunks.put({ key: 'a', text, ttl: 3_600_000 }, { expectedVersion: null })
    const first = await put('one')
    await expect(put('two')).rejects.toMatchObject(conflict(first.version))
    await chunks.delete(first.id)
    const second = await put('two')
    expect(await chunks.get(first.id)).toMatchObject({ text: 'two', version: second.version })
  })

  test('is refused in place of another kind', async () => {
    const { chunks, metadata } = view()
    const { version } = await chunks.put({ key: 'a', text: 'one' })
    const put = metadata.put({ key: 'a', metadata: {} }, { expectedVersion: version })
    await expect(put).rejects.toMatchObject({ code: 'ERR_CONFLICT', details: { kind: 'chunk' } })
  })

  test.each([[''], [7], ['A'.repeat(24)], ['1'.repeat(23)]])('refuses %j for a version', async (expectedVersion) => {
    const put = view().chunks.put({ text: 'a' }, { expectedVersion: expectedVersion as never })
    await expect(put).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option: 'expectedVersion' } })
  })

  test('has one winner of many that are the first', async () => {
    const { metadata } = view()
    for (let round = 0; round < 10; round++) {
      const puts = Array.from({ length: 8 }, (_, n) =>
        metadata.put({ key: `round ${round}`, metadata: { n } }, { expectedVersion: null }),
      )
      const outcomes = await Promise.allSettled(puts)
      const won = outcomes.flatMap((outcome, n) => (outcome.status === 'fulfilled' ? [n] : []))
      expect(won).toHaveLength(1)
      expect((await metadata.getByKey(`round ${round}`))?.metadata).toEqual({ n: won[0] })
    }
  })

  test('is not undone by plain puts at the same time', async () => {
    const { metadata } = view()
    const { id } = await metadata.put({ key: 'a', metadata: { puts: 0, sum: 0 } })
    const versions: string[] = []
    await Promise.all([
      ...Array.from({ length: 20 }, async (_, n) => {
        versions.push((await metadata.put({ key: 'a', metadata: { n } })).version)
      }),
      ...Array.from({ length: 20 }, async () => {
        const { version } = (await metadata.get(id))!
        try {
          const receipt = await metadata.put({ key: 'a', metadata: { from: version } }, { expectedVersion: version })
          // Nothing that was acknowledged lies between the two.
          expect(versions.filter((other) => other > version && other < receipt.version)).toEqual([])
        } catch (error) {
          if (!isThermoclineError(error, 'ERR_CONFLICT')) throw error
        }
      }),
    ])
  })
})

describePairs('update', (pair) => {
  const { view } = shareStore(pair)

  test('replaces what it names, merges metadata, and keeps the rest', async () => {
    const { chunks } = view()
    const createdAt = Date.UTC(2020, 0, 1)
    const expiresAt = Date.UTC(2100, 0, 1)
    const embedding = [1, 2]
    const metadata = { keep: 1, drop: 2, deep: { keep: [1], drop: 2 } }
    const first = { key: 'a', text: 'one', documentId: 'd', embedding, createdAt, expiresAt, metadata }
    const { id } = await chunks.put(first)
    await chunks.update(id, { text: 'two', documentId: null, metadata: { drop: null, deep: { drop: null, new: {} } } })
    const { version, updatedAt, lastAccessedAt, accessCount, ...rest } = (await chunks.get(id))!
    expect(rest).toEqual({
      ...{ kind: 'chunk', namespace: chunks.namespace, id, key: 'a', text: 'two' },
      ...{ embedding: Float32Array.of(1, 2), createdAt: new Date(createdAt), expiresAt: new Date(expiresAt) },
      metadata: { keep: 1, deep: { keep: [1], new: {} } },
    })
  })

  test('of different fields at the same time all hold', async () => {
    const { metadata } = view()
    const { id } = await metadata.put({ metadata: {} })
    const names = Array.from({ length: 12 }, (_, n) => `field ${n}`)
    await Promise.all(names.map((name) => metadata.update(id, { metadata: { [name]: 1 } })))
    expect(Object.keys((await metadata.get(id))!.metadata).sort()).toEqual(names.sort())
  })

  test('is refused where another version is there than was expected', async () => {
    const { metadata } = view()
    const { id, version } = await metadata.put({ metadata: {} })
    const newer = await metadata.update(id, { metadata: { n: 1 } }, { expectedVersion: version })
    const late = metadata.update(id, { metadata: { n: 2 } }, { expectedVersion: version })
    await expect(late).rejects.toMatchObject(conflict(newer.version))
  })

  test('of what is not there, or of another kind, finds nothing', async () => {
    const { chunks, metadata } = view()
    const absent = { code: 'ERR_NOT_FOUND', details: { outcome: 'none' } }
    await expect(chunks.update(randomUUID(), { text: 'a' })).rejects.toMatchObject(absent)
    const { id } = await chunks.put({ text: 'a' })
    await expect(metadata.update(id, { metadata: {} })).rejects.toMatchObject(absent)
    await chunks.delete(id)
    await expect(chunks.update(id, { text: 'b' })).rejects.toMatchObject(absent)
  })

  test('takes the patch as it was at the call', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'a' })
    const patch = { text: 'b', embedding: [1, 1], metadata: { deep: { n: 1 } } }
    const updating = chunks.update(id, patch)
    patch.embedding[0] = 9
    patch.metadata.deep.n = 9
    patch.text = 'c'
    await updating
    const entry = await chunks.get(id)
    expect(entry).toMatchObject({ text: 'b', embedding: Float32Array.of(1, 1), metadata: { deep: { n: 1 } } })
  })
})

describePairs('upsert', (pair) => {
  const { view } = shareStore(pair)

  test('puts, and keeps when the entry was created', async () => {
    const { chunks } = view()
    const createdAt = new Date('2020-01-01')
    const { id } = await chunks.upsert({ key: 'a', text: 'one', createdAt })
    await chunks.upsert({ key: 'a', text: 'two' })
    expect(await chunks.get(id)).toMatchObject({ text: 'two', createdAt })
    await chunks.delete(id)
    await chunks.upsert({ key: 'a', text: 'three' })
    expect((await chunks.get(id))!.createdAt.getTime()).toBeGreaterThan(createdAt.getTime())
  })
})

describeGated('a decision', (tiers, pair) => {
  const { clock, view } = shareStore(tiers)
  const held = async (body: (view: NamespaceView) => Promise<void>) => {
    try {
      await body(view())
    } finally {
      tiers.hot.allow()
      tiers.cold.allow()
    }
  }

  test('is above what was put before it, or refused: a put in between is not hidden', () =>
    held(async ({ metadata }) => {
      const { id, version } = await metadata.put({ key: 'a', metadata: { n: 0 } })
      const asked = tiers.cold.hold('replace', 'before')
      const deciding = metadata.put({ key: 'a', metadata: { n: 1 } }, { expectedVersion: version })
      await asked.arrived
      const between = await metadata.put({ key: 'a', metadata: { n: 2 } })
      asked.release()
      const decided = await deciding
      expect(between.version > decided.version).toBe(true)
      expect((await metadata.get(id))?.metadata).toEqual({ n: 2 })
    }))

  test('finds what was put while it was read', () =>
    held(async ({ metadata }) => {
      const { version } = await metadata.put({ key: 'a', metadata: { n: 0 } }, { durability: 'cold' })
      const asked = tiers.hot.hold('reserve', 'before')
      const deciding = metadata.put({ key: 'a', metadata: { n: 1 } }, { expectedVersion: version })
      await asked.arrived
      const between = await metadata.put({ key: 'a', metadata: { n: 2 } })
      asked.release()
      await expect(deciding).rejects.toMatchObject(conflict(between.version))
    }))

  test('hides no put of its own process that hot did not hear of', () =>
    held(async ({ metadata }) => {
      const { version } = await metadata.put({ key: 'a', metadata: { n: 0 } }, { durability: 'cold' })
      const read = tiers.hot.hold('read')
      const deciding = metadata.put({ key: 'a', metadata: { n: 1 } }, { expectedVersion: version })
      await read.arrived
      tiers.hot.refuse('write')
      const between = await metadata.put({ key: 'a', metadata: { n: 2 } })
      tiers.hot.allow()
      read.release()
      await expect(deciding).rejects.toMatchObject(conflict(between.version))
      expect((await metadata.getByKey('a'))?.metadata).toEqual({ n: 2 })
    }))

  test('whose caller gave up is unknown once cold was asked, and names its version', () =>
    held(async ({ metadata }) => {
      const controller = new AbortController()
      const asked = tiers.cold.hold('replace')
      const put = metadata.put({ key: 'a', metadata: { n: 1 } }, { expectedVersion: null, signal: controller.signal })
      await asked.arrived
      controller.abort()
      const error: unknown = await put.catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'unknown' } })
      const { version } = (error as { details: { version: string } }).details
      asked.release()
      await expect.poll(async () => (await metadata.getByKey('a'))?.version).toBe(version)
    }))

  test('is not asked for once its caller has given up', () =>
    held(async ({ metadata }) => {
      const controller = new AbortController()
      const asked = tiers.hot.hold('reserve')
      const put = metadata.put({ key: 'a', metadata: { n: 1 } }, { expectedVersion: null, signal: controller.signal })
      await asked.arrived
      controller.abort()
      await expect(put).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'none' } })
      asked.release()
      const second = await metadata.put({ key: 'a', metadata: { n: 2 } }, { expectedVersion: null })
      expect((await metadata.getByKey('a'))?.version).toBe(second.version)
    }))

  test.each(['hot', 'cold'] as const)('is refused while %s is away, and nothing is written', (tier) =>
    held(async ({ metadata }) => {
      tiers[tier].refuse()
      const put = metadata.put({ key: 'a', metadata: {} }, { expectedVersion: null })
      await expect(put).rejects.toMatchObject({
        code: 'ERR_TIER_UNAVAILABLE',
        retryable: true,
        details: { tier, outcome: 'none' },
      })
      tiers[tier].allow()
      expect(await metadata.getByKey('a')).toBeUndefined()
    }),
  )

  test('that hot does not hear of is acknowledged, and read', () =>
    held(async ({ metadata }) => {
      const { id, version } = await metadata.put({ key: 'a', metadata: { n: 0 } })
      tiers.hot.refuse('write')
      await metadata.put({ key: 'a', metadata: { n: 1 } }, { expectedVersion: version })
      tiers.hot.allow()
      expect((await metadata.get(id))?.metadata).toEqual({ n: 1 })
    }))

  if (pair.name !== 'Redis and Postgres')
    test('brings nothing back that expired before cold decided', () =>
      held(async ({ metadata }) => {
        const { id, version } = await metadata.put({ key: 'a', metadata: {}, ttl: 1_000 })
        const changes = [
          () => metadata.expire(id, '1h'),
          () => metadata.put({ key: 'a', metadata: {} }, { expectedVersion: version }),
        ]
        for (const change of changes) {
          const asked = tiers.cold.hold('replace', 'before')
          const changed = change()
          await asked.arrived
          clock.advance(1_000)
          expect(await metadata.get(id)).toBeUndefined()
          asked.release()
          await expect(changed).rejects.toMatchObject({ details: { outcome: 'none' } })
          expect(await metadata.get(id)).toBeUndefined()
          clock.advance(-1_000)
        }
      }))

  if (pair.name !== 'Redis and Postgres')
    test('takes the place of what has expired, which counts as nothing', () =>
      held(async ({ metadata }) => {
        const { version } = await metadata.put({ key: 'a', metadata: { n: 0 }, ttl: 1_000 })
        clock.advance(2_000)
        const update = metadata.put({ key: 'a', metadata: {} }, { expectedVersion: version })
        await expect(update).rejects.toMatchObject(conflict(null))
        const { id } = await metadata.put({ key: 'a', metadata: { n: 1 } }, { expectedVersion: null })
        expect((await metadata.get(id))?.metadata).toEqual({ n: 1 })
      }))
})
