/** What becomes of checkpoints that are old: those that nobody used for the ttl, and those that are pruned. */
import { expect, test } from 'vitest'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import type { NamespaceView } from '../../../src/index.ts'
import { describeMainPair, shareStore } from '../../flow/stores.ts'
import { longTest } from '../../tools/budget.ts'
import { checkpointWith, METADATA } from './checkpoints.ts'
import { differencesGraph, notingGraph } from './graphs.ts'

const MINUTE = 60_000

async function keysIn(view: NamespaceView): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of view.entries.findAll({ recursive: true })) keys.push(key!)
  return keys
}

describeMainPair('old checkpoints', (pair) => {
  const { view, clock } = shareStore(pair)
  const config = { configurable: { thread_id: 'a' } }

  test('are pruned with all that only they have', async () => {
    const home = view()
    const saver = new ThermoclineSaver(home)
    const graph = notingGraph(saver)
    for (const note of ['one', 'two']) await graph.invoke({ notes: [note], title: 'same' }, config)
    await graph.invoke({ notes: ['other'] }, { configurable: { thread_id: 'b' } })
    const before = await graph.getState(config)
    const counted = await saver.prune({ keepLatest: 1, threadId: 'a', dryRun: true })
    expect(counted).toMatchObject({ threads: 1, checkpoints: 7 })
    expect((await graph.getState(config)).parentConfig).toBeDefined()
    expect(await saver.prune({ keepLatest: 1, threadId: 'a' })).toEqual(counted)
    expect(await graph.getState(config)).toEqual(before)
    const { channel_versions, channel_values } = (await saver.getTuple(config))!.checkpoint
    const keys = await keysIn(home.namespace('langgraph', 'threads', 'a'))
    const values = Object.keys(channel_values).map((channel) => ['value', channel, `${channel_versions[channel]}`])
    const record = ['checkpoint', before.config.configurable!.checkpoint_id]
    expect(keys.sort()).toEqual([['newest'], record, ...values].map((parts) => JSON.stringify(parts)).sort())
    expect(await saver.prune({ keepLatest: 1 })).toMatchObject({ threads: 2, checkpoints: 3 })
    expect(await graph.invoke({ notes: ['four'] }, config)).toMatchObject({ title: 'same' })
  })

  test('are not found in part while they are pruned', async () => {
    const home = view()
    const pruner = new ThermoclineSaver(home)
    let isArmed = false
    const dumpsTyped = pruner.serde.dumpsTyped.bind(pruner.serde)
    const loadsTyped = async (type: string, data: Uint8Array | string) => {
      const loaded = await pruner.serde.loadsTyped(type, data)
      // The record was read, and its values were not.
      if (isArmed) {
        isArmed = false
        await pruner.prune({ keepLatest: 1 })
      }
      return loaded
    }
    const saver = new ThermoclineSaver(home, { serde: { dumpsTyped, loadsTyped } })
    const put = (n: number) => {
      const checkpoint = checkpointWith({ n }, n)
      return saver.put(config, checkpoint, METADATA, checkpoint.channel_versions)
    }
    const [first] = [await put(1), await put(2)]
    isArmed = true
    expect(await saver.getTuple(first)).toBeUndefined()
    await put(3)
    isArmed = true
    const listed: object[] = []
    for await (const { checkpoint } of saver.list(config)) listed.push(checkpoint.channel_values)
    expect(listed).toEqual([{ n: 3 }])
  })

  test('stay where a newer one is rebuilt from them', async () => {
    const saver = new ThermoclineSaver(view())
    const graph = differencesGraph(saver)
    const lines: string[] = []
    for (let round = 0; round < 5; round++) {
      await graph.invoke({ lines: [`told ${round}`] }, config)
      lines.push(`told ${round}`, `line ${lines.length + 1}`)
      await saver.prune({ keepLatest: 1 })
      expect((await graph.getState(config)).values.lines, `round ${round}`).toEqual(lines)
    }
    let left = 0
    for await (const _ of saver.list(config)) left++
    expect(left).toBeLessThan(8)
  })

  longTest('leave large values, and those that expired while a step took long, to the next ones', async () => {
    const home = view()
    const saver = new ThermoclineSaver(home, { ttl: '10m' })
    const values = { kept: 'x'.repeat(5_000_000) }
    let last = await saver.put(config, checkpointWith(values), METADATA, { kept: 1 })
    for (const minutes of [9, 9, 9, 25]) {
      clock.advance(minutes * MINUTE)
      last = await saver.put(last, checkpointWith(values), METADATA, {})
      const thread = home.namespace('langgraph', 'threads', 'a')
      const keys = [['value', 'kept', '1'], 1, 2].map((key, i, [of]) => (i === 0 ? key : [JSON.stringify(of), key]))
      for (const key of keys) {
        const id = thread.blobs.idOf(JSON.stringify(key))
        const left = async () => (await thread.blobs.peek(id))!.expiresAt!.getTime() - clock.now()
        await expect.poll(left).toBeGreaterThan(13 * MINUTE)
      }
    }
    clock.advance(9 * MINUTE)
    expect((await saver.getTuple(last))?.checkpoint.channel_values).toEqual(values)
  })

  test('go when they were not used for the ttl, and never take what others need', async () => {
    const home = view()
    const saver = new ThermoclineSaver(home, { ttl: '10m' })
    const first = checkpointWith({ kept: 'once' })
    const old = await saver.put(config, first, METADATA, { kept: 1 })
    let last = old
    for (const minutes of [9, 9]) {
      clock.advance(minutes * MINUTE)
      const next = { ...checkpointWith({ kept: 'once' }), channel_versions: { kept: 1 } }
      last = await saver.put(last, next, METADATA, {})
      const thread = home.namespace('langgraph', 'threads', 'a')
      const value = () => thread.blobs.peek(thread.blobs.idOf(JSON.stringify(['value', 'kept', '1'])))
      await expect.poll(async () => (await value())!.expiresAt!.getTime() - clock.now()).toBeGreaterThan(13 * MINUTE)
    }
    // The value would have gone by itself two minutes ago.
    clock.advance(4 * MINUTE)
    expect(await saver.getTuple(old)).toBeUndefined()
    expect((await saver.getTuple(last))?.checkpoint.channel_values).toEqual({ kept: 'once' })
    clock.advance(25 * MINUTE)
    expect(await saver.getTuple(config)).toBeUndefined()
  })

  test('are not kept by who remembers that one was the newest', async () => {
    const home = view()
    const [writer, first, second] = [0, 1, 2].map(() => new ThermoclineSaver(home, { ttl: '10m' })) as [
      ThermoclineSaver,
      ThermoclineSaver,
      ThermoclineSaver,
    ]
    const former = checkpointWith({ notes: 'former' })
    const old = await writer.put(config, former, METADATA, { notes: 1 })
    for (const saver of [first, second]) expect((await saver.getTuple(config))?.checkpoint.id).toBe(former.id)
    const next = { ...checkpointWith({ notes: 'next' }), channel_versions: { notes: 2 } }
    await writer.put(old, next, METADATA, { notes: 2 })
    const thread = home.namespace('langgraph', 'threads', 'a')
    const record = () => thread.chunks.peek(thread.chunks.idOf(JSON.stringify(['checkpoint', next.id])))
    for (const saver of [first, second]) {
      clock.advance(9 * MINUTE)
      expect((await saver.getTuple(config))?.checkpoint.id).toBe(next.id)
      await expect.poll(async () => (await record())!.expiresAt!.getTime() - clock.now()).toBeGreaterThan(9 * MINUTE)
    }
    clock.advance(4 * MINUTE)
    expect(await writer.getTuple(old)).toBeUndefined()
  })
})
