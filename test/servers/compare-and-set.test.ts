/** Writes of several backends that depend on what they replace, held at the steps where another may come in between. */
import { describe, expect, test } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import type { HotTier } from '../../src/hot/hot-tier.ts'
import { isThermoclineError } from '../../src/index.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { clientOf } from '../tools/services.ts'
import { a, b, describeTwoBackends, flush, GatedBackend, key, markersEnd, shared } from './two-backends.ts'

const replacing = (backend: GatedBackend, text: string, expectedVersion: string | null) =>
  backend.chunks.put({ key, text }, { expectedVersion })

/** A version of this moment moved on by so much: less than what a clock may be off. */
function versionIn(milliseconds: number): string {
  return `${(Date.now() + milliseconds).toString(16).padStart(12, '0')}00000000000a`
}

describeTwoBackends('backends that replace a version', (servers) => {
  test('are decided between: one wins, the other hears which version is there', async () => {
    const { id, version } = await a.chunks.put({ key, text: 'first' })
    const asked = [a, b].map(({ cold }) => cold.hold('replace', 'before'))
    const puts = [replacing(a, 'a', version), replacing(b, 'b', version)]
    await Promise.all(asked.map(({ arrived }) => arrived))
    for (const { release } of asked) release()
    const outcomes = await Promise.allSettled(puts)
    const [won] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(lost).toEqual([expect.objectContaining({ code: 'ERR_CONFLICT' })])
    expect(lost[0].details.actual).toBe(won?.version)
    for (const { chunks } of [a, b]) expect((await chunks.get(id))?.version).toBe(won?.version)
  })

  test('are kept from nothing by a row that somebody has locked, which they share no fate with', async () => {
    const there = await a.chunks.putMany([0, 1, 2, 3].map((n) => ({ key: `${key} ${n}`, text: 'before' })))
    await a.store.checkpoint()
    const somebody = clientOf(shared.cold.url)
    const { id } = there[2]!
    await somebody`BEGIN`
    await somebody`SELECT FROM thermocline.memory_entries WHERE id = ${id} FOR UPDATE`
    const updates = there.map((one) => a.chunks.update(one.id, { text: 'after' }))
    await Promise.all(updates.filter((_, n) => n !== 2))
    expect((await a.chunks.get(id))?.text).toBe('before')
    await somebody`ROLLBACK`
    await updates[2]
    expect((await a.chunks.get(id))?.text).toBe('after')
    await somebody.end()
  })

  test('are not failed by a hot tier that has just lost everything, though nobody has read it since', async () => {
    const { id, version } = await a.chunks.put({ key, text: 'first' })
    await servers.client().flushall()
    const replaced = await a.chunks.put({ key, text: 'second' }, { expectedVersion: version })
    await servers.client().flushall()
    await a.chunks.update(id, { text: 'third' }, { expectedVersion: replaced.version })
    expect((await b.chunks.get(id))?.text).toBe('third')
  })

  test('hear of the same that another has done since they asked, and of no conflict with it', async () => {
    const asked = a.cold.hold('answerTo')
    const put = ({ chunks }: GatedBackend) =>
      chunks.put({ key, text: 'a' }, { expectedVersion: null, idempotencyKey: key })
    const late = put(a)
    await asked.arrived
    const first = await put(b)
    asked.release()
    expect(await late).toEqual(first)
  })

  test('find what only hot and a log have', async () => {
    const { version } = await b.chunks.put({ key, text: 'b' })
    await expect(replacing(a, 'a', null)).rejects.toMatchObject({ details: { actual: version } })
    const { id } = await replacing(a, 'a', version)
    await b.store.checkpoint()
    expect((await b.chunks.get(id))?.text).toBe('a')
  })

  test('hide no put that came after they had read, whatever clocks say', async () => {
    const { id, version } = await b.chunks.put({ key, text: 'first' }, { durability: 'cold' })
    const ahead = { ...chunkOf(a.chunks.namespace, 77, 0), version: versionIn(4_000) }
    await a.cold.tier.upsert([ahead])
    await a.chunks.get(ahead.id)
    const asked = a.cold.hold('replace', 'before')
    const deciding = replacing(a, 'a', version)
    await asked.arrived
    const between = await b.chunks.put({ key, text: 'b' })
    asked.release()
    const decided = await deciding
    expect(between.version > decided.version).toBe(true)
    for (const { chunks } of [a, b]) expect((await chunks.get(id))?.text).toBe('b')
  })

  test('are read by others as soon as cold has decided, also where their process goes no further', async () => {
    const { id, version } = await a.chunks.put({ key, text: 'first' })
    const stopped = a.cold.hold('replace')
    const put = replacing(a, 'a', version)
    await stopped.arrived
    expect((await b.chunks.get(id))?.text).toBe('a')
    stopped.release()
    await put
  })

  test('leave nothing older in hot where cold took so long that the marker has ended', async () => {
    const { id, version } = await a.chunks.put({ key, text: 'first' })
    const stopped = a.cold.hold('replace', 'before')
    const put = replacing(a, 'a', version)
    await stopped.arrived
    await markersEnd(servers)
    await b.chunks.get(id)
    a.hot.refuse('write')
    stopped.release()
    await put
    expect((await a.chunks.get(id))?.text).toBe('a')
    await b.store.sync()
    expect((await b.chunks.get(id))?.text).toBe('a')
  })

  test('begin anew where hot has become another generation', async () => {
    const { id, version } = await a.chunks.put({ key, text: 'first' }, { durability: 'cold' })
    const stopped = a.cold.hold('replace', 'before')
    const put = replacing(a, 'a', version)
    await stopped.arrived
    await flush(servers)
    // A read brings into the new generation what cold has still.
    await b.chunks.get(id)
    stopped.release()
    const outcome = await put.catch((error: unknown) => error)
    if (isThermoclineError(outcome)) expect(outcome).toMatchObject({ details: { outcome: 'none' } })
    const text = isThermoclineError(outcome) ? 'first' : 'a'
    for (const { chunks } of [a, b]) expect((await chunks.get(id))?.text).toBe(text)
  })

  describe.each<['hot', keyof HotTier] | ['cold', keyof ColdTier]>([
    ['hot', 'read'],
    ['cold', 'read'],
    ['hot', 'reserve'],
    ['cold', 'replace'],
    ['hot', 'write'],
  ])('a process that stops at %s.%s', (tier, method) => {
    test.each(['before', 'after'] as const)(
      '%s it keeps nobody from going on, and nothing counts twice',
      async (where) => {
        const { version, id } = await b.chunks.put({ key, text: '0' }, { durability: 'cold' })
        const stopped = await new GatedBackend().open({ dir: await temporaryFolder(), ...shared })
        try {
          const gate = stopped[tier] as {
            hold(name: string, where: string): { arrived: Promise<void>; release(): void }
          }
          const held = gate.hold(method, where)
          const putting = replacing(stopped, '1', version).then(
            () => 1,
            (error: unknown) => {
              if (!isThermoclineError(error, 'ERR_CONFLICT')) throw error
              return 0
            },
          )
          await held.arrived
          const seen = (await b.chunks.get(id))!
          await b.chunks.put({ key, text: String(Number(seen.text) + 1) }, { expectedVersion: seen.version })
          held.release()
          const count = 1 + (await putting)
          for (const { chunks } of [a, b, stopped]) expect((await chunks.get(id))?.text).toBe(String(count))
        } finally {
          await stopped.store.close()
        }
      },
    )
  })
})
