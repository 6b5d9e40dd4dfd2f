/**
 * Random histories against a map. Whatever is put, deleted, read, expired, shipped, demoted and promoted in whatever order,
 * every kind of read answers what the map says. `FAULT_RUNS` sets the number of histories; a failing seed is printed and
 * replays with `FAULT_SEED`.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MemoryStore, NamespaceView } from '../../src/index.ts'
import { budget } from '../tools/budget.ts'
import type { ManualClock } from '../tools/manual-clock.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']
const RUNS = budget({ short: 3, long: 40 })
/** Of each key, one after the other. */
const WRITES = budget({ short: 25, long: 200 })
const SEED = process.env.FAULT_SEED === undefined ? {} : { seed: Number(process.env.FAULT_SEED) }

interface Expected {
  readonly text: string
  readonly position: number
  readonly vector: number
  readonly expiresAt: number
}

interface Model {
  readonly entries: Map<string, Expected>
}

interface Real {
  readonly store: MemoryStore
  readonly view: NamespaceView
  readonly clock: ManualClock
}

type Step = (model: Model, real: Real) => Promise<void>

/** What must be readable now, in order of text. */
function alive({ entries }: Model, { clock }: Real): [string, Expected][] {
  return [...entries].filter(([, { expiresAt }]) => expiresAt > clock.now())
}

const put = (key: string, position: number, ttl: number | undefined): Step => {
  return async (model, { view, clock }) => {
    const text = `${key}${position}`
    await view.chunks.put({ key, text, position, embedding: vectorOf(position), ttl })
    const expiresAt = ttl === undefined ? Number.POSITIVE_INFINITY : clock.now() + ttl
    model.entries.set(key, { text, position, vector: position, expiresAt })
  }
}

const remove = (key: string): Step => {
  return async (model, { view }) => {
    const id = (await view.chunks.put({ key, text: 'about to go' })).id
    await view.chunks.delete(id)
    model.entries.delete(key)
  }
}

const get = (key: string): Step => {
  return async (model, real) => {
    const expected = alive(model, real).find(([name]) => name === key)?.[1]
    expect((await real.view.chunks.getByKey(key))?.text).toBe(expected?.text)
  }
}

const find = (least: number): Step => {
  return async (model, real) => {
    const where = { position: { gte: least } }
    const expected = alive(model, real).flatMap(([, { text, position }]) => (position >= least ? [text] : []))
    const { items } = await real.view.chunks.find({ where })
    expect(items.map(({ text }) => text).sort()).toEqual(expected.sort())
    expect(await real.view.chunks.count({ where })).toBe(expected.length)
  }
}

const search = (seed: number): Step => {
  return async (model, real) => {
    const query = vectorOf(seed)
    const score = ({ vector }: Expected) => vectorOf(vector).reduce((sum, x, i) => sum + x * query[i]!, 0)
    const scores = alive(model, real).map(([, expected]) => score(expected))
    const { hits } = await real.view.chunks.search({ embedding: query, k: 3 })
    const expected = scores.sort((a, b) => b - a).slice(0, 3)
    expect(hits).toHaveLength(expected.length)
    for (const [i, hit] of hits.entries()) expect(hit.score).toBeCloseTo(expected[i]!, 4)
  }
}

const move = (run: (real: Real) => Promise<unknown>): Step => {
  return async (_, real) => {
    await run(real)
  }
}

const key = fc.constantFrom(...KEYS)
const step: fc.Arbitrary<{ name: string; run: Step }> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(key, fc.nat(9), fc.option(fc.constantFrom(5, 50), { nil: undefined }))
      .map(([k, p, ttl]) => ({ name: `put ${k} ${p} ${ttl}`, run: put(k, p, ttl) })),
  },
  { weight: 2, arbitrary: key.map((k) => ({ name: `delete ${k}`, run: remove(k) })) },
  { weight: 5, arbitrary: key.map((k) => ({ name: `get ${k}`, run: get(k) })) },
  { weight: 1, arbitrary: fc.nat(9).map((p) => ({ name: `find >= ${p}`, run: find(p) })) },
  { weight: 1, arbitrary: fc.nat(9).map((p) => ({ name: `search ${p}`, run: search(p) })) },
  { weight: 2, arbitrary: fc.constant({ name: 'checkpoint', run: move(({ store }) => store.checkpoint()) }) },
  { weight: 2, arbitrary: fc.constant({ name: 'sync', run: move(({ store }) => store.sync()) }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(1, 10, 60)
      .map((ms) => ({ name: `wait ${ms}`, run: move(async ({ clock }) => clock.advance(ms)) })),
  },
)

describePairs('random histories', (pair) => {
  const { clock, store: shared, view: fresh } = shareStore(pair, { cold: { dimensions: [8] }, hot: { maxEntries: 3 } })

  test(`${RUNS} of them answer like a map`, { timeout: 600_000 }, async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const model: Model = { entries: new Map() }
      const real: Real = { store: shared(), clock, view: fresh() }
      for (const { run } of steps) await run(model, real)
      for (const name of KEYS) await get(name)(model, real)
    })
    await fc.assert(property, { numRuns: RUNS, ...SEED })
  })

  test('concurrent calls never read back in time', { timeout: 600_000 }, async () => {
    const { chunks } = fresh()
    const acknowledged = new Map<string, number>()
    const write = async (name: string): Promise<void> => {
      for (let n = 1; n <= WRITES; n++) {
        await chunks.put({ key: name, text: String(n) })
        acknowledged.set(name, n)
      }
    }
    let writing = true
    const read = async (name: string): Promise<void> => {
      let last = 0
      while (writing) {
        const least = acknowledged.get(name) ?? 0
        const seen = Number((await chunks.getByKey(name))?.text ?? 0)
        expect(seen).toBeGreaterThanOrEqual(least)
        expect(seen).toBeGreaterThanOrEqual(last)
        last = seen
        // A read from memory takes no turn of the event loop, and the writers' disk needs some.
        await nextTurn()
      }
    }
    const churn = async (): Promise<void> => {
      while (writing) await shared().sync()
    }
    const readers = [...KEYS, ...KEYS].map(read)
    const churning = churn()
    await Promise.all(KEYS.map(write)).finally(() => {
      writing = false
    })
    await Promise.all([...readers, churning])
  })
})
