/**
 * `thermocline/claude` answers what the SDK's own `InMemorySessionStore` answers, but for what comments below name;
 * `FAULT_RUNS` sets how many sequences.
 */
import {
  foldSessionSummary,
  InMemorySessionStore,
  type SessionKey,
  type SessionStore,
  type SessionStoreEntry,
} from '@anthropic-ai/claude-agent-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ThermoclineSessionStore } from '../../src/adapters/claude/thermocline-session-store.ts'
import { describeMainPair, shareStore } from '../flow/stores.ts'
import { budget } from '../tools/budget.ts'
import { atFirst } from './at-first.ts'

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const key: fc.Arbitrary<SessionKey> = fc
  .record({
    projectKey: oneOf('-home-ada', 'x'.repeat(300)),
    // Upstream puts `/` between the parts, and so cannot have it in them.
    sessionId: oneOf('8d3c1f0e-0000-4000-8000-000000000001', 'é %'),
    subpath: oneOf(undefined, undefined, 'subagents/agent-1', 'subagents/workflows/a/agent-2'),
  })
  .map(({ subpath, ...rest }) => (subpath === undefined ? rest : { ...rest, subpath }))
const content = oneOf('Ice floats', 'with \0', 'half \ud800', '')
const entry: fc.Arbitrary<SessionStoreEntry> = fc.oneof(
  fc.record({ type: oneOf('user', 'assistant'), uuid: oneOf('1', '2', '3', 'u'.repeat(600)), content }).map(said),
  fc.record({ type: oneOf('custom-title'), customTitle: content, sessionId: oneOf('s') }),
  fc.record({ type: oneOf('tag'), tag: content }),
)

function said({ type, uuid, content }: { type: string; uuid: string; content: string }): SessionStoreEntry {
  return { type, uuid, timestamp: '2026-11-30T00:00:00.000Z', cwd: '/', message: { role: type, content } }
}

type Step = { readonly key: SessionKey } & ({ readonly append: SessionStoreEntry[] } | { readonly delete: true })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ key, append: fc.array(entry, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ key, delete: oneOf(true as const) }) },
)

/** Upstream keeps what comes twice; the contract has one of a `uuid`, as we do. */
function once(entries: SessionStoreEntry[] | null): SessionStoreEntry[] | null {
  const seen = new Set<string>()
  const isFirst = ({ uuid }: SessionStoreEntry) => !seen.has(uuid!) && seen.add(uuid!)
  return entries === null ? null : entries.filter((one) => one.uuid === undefined || isFirst(one))
}

async function comparable(store: SessionStore, key: SessionKey) {
  const { projectKey, sessionId } = key
  const sessions = await store.listSessions!(projectKey)
  return {
    loaded: once(await store.load(key)),
    sessions: sessions.map((one) => one.sessionId).sort(),
    subkeys: (await store.listSubkeys!({ projectKey, sessionId })).sort(),
  }
}

describeMainPair('a store of sessions', (pair) => {
  const { store, view } = shareStore(pair)

  test('answers what InMemorySessionStore answers', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 10 }), async (steps) => {
      const oracle = new InMemorySessionStore()
      const own = view()
      // One object for each step: nothing is kept in it.
      const ours = () => new ThermoclineSessionStore(own, { foldSummary: foldSessionSummary })
      for (const step of steps) {
        for (const one of [oracle, ours()])
          await ('append' in step ? one.append(step.key, structuredClone(step.append)) : one.delete(step.key))
        expect(await comparable(ours(), step.key)).toEqual(await comparable(oracle, step.key))
      }
      for (const projectKey of new Set(steps.map((step) => step.key.projectKey)))
        await expectSummaries(oracle, ours(), projectKey)
    })
    await fc.assert(property, { numRuns: budget({ short: 3, long: 100 }) })
  })

  /** Of what is there: upstream folds what comes twice as well. A time shares the clock of that of its session. */
  async function expectSummaries(oracle: InMemorySessionStore, ours: ThermoclineSessionStore, projectKey: string) {
    const sessions = await ours.listSessions(projectKey)
    const summaries = await ours.listSessionSummaries!(projectKey)
    expect(summaries.map(({ sessionId, mtime }) => ({ sessionId, mtime })).sort(byId)).toEqual(sessions.sort(byId))
    for (const { sessionId, data } of summaries) {
      const key = { projectKey, sessionId }
      const { data: expected } = foldSessionSummary(undefined, key, once(await oracle.load(key))!)
      // What is undefined is left out, as JSON does.
      expect(data).toEqual(JSON.parse(JSON.stringify(expected)))
    }
  }

  test('has what several processes append at the same time, each call together', async () => {
    const key = { projectKey: 'p', sessionId: 's' }
    const stores = Array.from({ length: 4 }, () => new ThermoclineSessionStore(store()))
    const batch = (who: number) =>
      [0, 1, 2].map((nth) => said({ type: 'user', uuid: `${who}-${nth}`, content: `${who}` }))
    // A retry of what was written already changes nothing.
    await Promise.all([...stores, ...stores].map((one, who) => one.append(key, batch(who % 4))))
    const loaded = (await stores[0]!.load(key))!
    expect(loaded).toHaveLength(12)
    for (let at = 0; at < 12; at += 3)
      expect(loaded.slice(at, at + 3).map(({ uuid }) => uuid![2])).toEqual(['0', '1', '2'])
  })

  test('has what one object appends in the order of its calls, also where the first is slow', async () => {
    const own = view()
    const key = { projectKey: 'p', sessionId: 's' }
    const slow = atFirst(own, 'getByKey', async (call) => {
      // Long enough for another one to come first, if it may.
      for (let reads = 0; reads < 20 && (await own.count({ recursive: true })) === 0; reads++);
      return call()
    })
    const sessions = new ThermoclineSessionStore(slow)
    const both = ['1', '2'].map((uuid) => said({ type: 'user', uuid, content: uuid }))
    await Promise.all(both.map((entry) => sessions.append(key, [entry])))
    expect(await sessions.load(key)).toEqual(both)
  })

  test('appends, in the long run more than one write takes, and begins anew after it was deleted', async () => {
    const own = view()
    const sessions = new ThermoclineSessionStore(own)
    const key = { projectKey: 'p', sessionId: 's' }
    const many = Array.from({ length: budget({ short: 20, long: 1_000 }) }, (_, nth) =>
      said({ type: 'user', uuid: `${nth}`, content: `${nth}` }),
    )
    await sessions.append(key, many)
    expect(await sessions.load(key)).toEqual(many)
    await sessions.delete(key)
    expect(await own.count({ recursive: true })).toBe(0)
    await sessions.append(key, many.slice(0, 1))
    expect(await sessions.load(key)).toEqual(many.slice(0, 1))
  })

  test('has what was appended while two processes deleted what was there', async () => {
    const own = view()
    const key = { projectKey: 'p', sessionId: 's' }
    const again = [said({ type: 'user', uuid: '1', content: 'again' })]
    const sessions = new ThermoclineSessionStore(own)
    await sessions.append(key, [said({ type: 'user', uuid: '1', content: 'before' })])
    // One delete has read what is to go, and the other one is done before it goes.
    const late = new ThermoclineSessionStore(
      atFirst(own, 'deleteWhere', async (call) => {
        await sessions.delete(key)
        await sessions.append(key, again)
        return call()
      }),
    )
    await late.delete(key)
    expect(await sessions.load(key)).toEqual(again)
  })

  test('appends what it had before it was deleted as something new', async () => {
    const own = view()
    const key = { projectKey: 'p', sessionId: 's' }
    const entries = [said({ type: 'user', uuid: '1', content: 'Ice floats' })]
    const sessions = new ThermoclineSessionStore(own)
    await sessions.append(key, entries)
    const chunks = async () => (await own.chunks.find({ recursive: true })).items.map(({ id }) => id)
    const [before] = await chunks()
    const late = new ThermoclineSessionStore(
      atFirst(own, 'deleteWhere', async (call) => {
        await sessions.append(key, entries)
        return call()
      }),
    )
    await late.delete(key)
    expect(await sessions.load(key)).toEqual(entries)
    // Another entry: the delete of the first may come as late as it will.
    expect(await chunks()).not.toContain(before)
  })

  test('tells any two names apart, and answers them as they are', async () => {
    const sessions = new ThermoclineSessionStore(view())
    const names = ['a/b', 'a', 'with \0', 'x'.repeat(300), `sha256:${'0'.repeat(64)}`]
    for (const sessionId of names)
      await sessions.append({ projectKey: 'a', sessionId }, [{ type: 'tag', tag: sessionId }])
    for (const sessionId of names)
      expect(await sessions.load({ projectKey: 'a', sessionId })).toEqual([{ type: 'tag', tag: sessionId }])
    const listed = await sessions.listSessions('a')
    expect(listed.map(({ sessionId }) => sessionId).sort()).toEqual([...names].sort())
  })

  test('has no summary of a part of a session', async () => {
    const own = view()
    const key = { projectKey: 'p', sessionId: 's' }
    const folding = new ThermoclineSessionStore(own, { foldSummary: foldSessionSummary })
    const tagged = (tag: string) => [{ type: 'tag', tag }]
    await folding.append(key, tagged('a'))
    expect(await folding.listSessionSummaries!('p')).toHaveLength(1)
    await new ThermoclineSessionStore(own).append(key, tagged('b'))
    expect(await folding.listSessionSummaries!('p')).toEqual([])
    await folding.append(key, tagged('c'))
    expect(await folding.listSessionSummaries!('p')).toEqual([])
    expect(await folding.listSessions('p')).toHaveLength(1)
  })

  test('lives as long as it says, and has summaries where it is told how to make them', async () => {
    const own = view()
    const sessions = new ThermoclineSessionStore(own, { ttl: '30d' })
    expect(sessions.listSessionSummaries).toBeUndefined()
    await sessions.append({ projectKey: 'p', sessionId: 's' }, [{ type: 'tag', tag: 'ice' }])
    const { items } = await own.namespace('claude', 'p', 's').entries.find()
    const lives = items.map(({ createdAt, expiresAt }) => expiresAt!.getTime() - createdAt.getTime())
    expect(lives).toEqual([30 * 86_400_000, 30 * 86_400_000])
  })
})

const byId = (a: { sessionId: string }, b: { sessionId: string }) => (a.sessionId < b.sessionId ? -1 : 1)

describe('a store of sessions', () => {
  test('refuses what is no store and no option', () => {
    const refused = (option: string) => expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } })
    expect(() => new ThermoclineSessionStore({} as never)).toThrow(refused('store'))
    const store = { namespace: () => ({}), chunks: {} } as never
    expect(() => new ThermoclineSessionStore(store, { foldSummary: true } as never)).toThrow(refused('foldSummary'))
    expect(() => new ThermoclineSessionStore(store, { ttl: Number.POSITIVE_INFINITY })).toThrow(refused('ttl'))
    expect(() => new ThermoclineSessionStore(store, { fold: true } as never)).toThrow(refused('fold'))
  })
})
