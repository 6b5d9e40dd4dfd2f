/** Channels of node:diagnostics_channel: what begins and ends is told, and nothing that an entry says. */
import { tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { openMemoryStore, type TraceContext } from '../../src/index.ts'
import { describeGated } from './gate.ts'
import { QUIET, temporaryFolder } from './stores.ts'

type Told = TraceContext & { readonly at: string; readonly error?: unknown }

/** What the channel tells until the test ends: each context as it was by then. */
function subscribe(name: 'operation' | 'wal' | 'checkpoint' | 'sync'): Told[] {
  const told: Told[] = []
  const note = (at: string) => (context: object) => void told.push({ at, ...(context as TraceContext) })
  const subscribers = { start: note('start'), asyncEnd: note('end'), error: note('error'), end() {}, asyncStart() {} }
  const channel = tracingChannel(`thermocline:${name}`)
  channel.subscribe(subscribers)
  onTestFinished(() => void channel.unsubscribe(subscribers))
  return told
}

describeGated('traces', (tiers) => {
  test('tell calls by name, how many they were about, and how they ended', async () => {
    await using store = await tiers.open()
    const told = subscribe('operation')
    const secret = 'nobody else may read this'
    const { chunks } = store.namespace('tenant', secret)
    const [receipt] = await chunks.putMany([{ text: secret, key: secret }, { text: secret }])
    expect((await chunks.get(receipt!.id))?.text).toBe(secret)
    await chunks.get(chunks.idOf('absent'))
    await chunks.find({ where: { text: secret } })
    const refusal = await chunks.update(chunks.idOf('absent'), { text: secret }).catch((error) => error)
    expect(told).toMatchObject([
      { at: 'start', operation: 'putMany', kind: 'chunk' },
      { at: 'end', operation: 'putMany', outcome: 'ok', count: 2 },
      { at: 'start', operation: 'get' },
      { at: 'end', operation: 'get', outcome: 'ok', count: 1 },
      { at: 'start', operation: 'get' },
      { at: 'end', operation: 'get', outcome: 'ok', count: 0 },
      { at: 'start', operation: 'find' },
      { at: 'end', operation: 'find', outcome: 'ok', count: 2 },
      { at: 'start', operation: 'update' },
      { at: 'error', operation: 'update', outcome: 'failed', error: refusal },
      { at: 'end', operation: 'update', outcome: 'failed' },
    ])
    expect(inspect(told, { depth: 9 })).not.toContain(secret)
  })

  test('tell checkpoints and syncs, and what they moved', async () => {
    await using store = await tiers.open()
    const checkpoints = subscribe('checkpoint')
    const syncs = subscribe('sync')
    await store.chunks.putMany([{ text: 'a' }, { text: 'b' }])
    const { bytes } = await store.sync()
    expect(checkpoints).toEqual([
      { at: 'start', operation: 'checkpoint', tier: 'cold' },
      { at: 'end', operation: 'checkpoint', tier: 'cold', outcome: 'ok', count: 2, bytes, result: undefined },
    ])
    expect(syncs).toMatchObject([
      { at: 'start', operation: 'sync' },
      { at: 'end', outcome: 'ok', count: 2, bytes },
    ])
    tiers.cold.refuse()
    await store.sync().catch(() => {})
    tiers.cold.allow()
    expect(syncs.at(-1)).toMatchObject({ at: 'end', operation: 'sync', outcome: 'failed' })
  })
})

test('traces tell each group that the log wrote', async () => {
  await using store = await openMemoryStore({ dir: await temporaryFolder(), ...QUIET })
  const told = subscribe('wal')
  await store.chunks.putMany([{ text: 'a' }, { text: 'b' }])
  expect(told).toMatchObject([
    { at: 'start', operation: 'append', tier: 'log', count: 2 },
    { at: 'end', operation: 'append', tier: 'log', count: 2, outcome: 'ok' },
  ])
  expect(told[0]!.bytes).toBeGreaterThan(100)
})
