/** What the checkpointer keeps beyond upstream's suite: names of any text, branches, large values, others' writes. */
import { Command } from '@langchain/langgraph'
import { type Checkpoint, INTERRUPT, type PendingWrite } from '@langchain/langgraph-checkpoint'
import { describe, expect, test } from 'vitest'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { describeMainPair, describeWithServers, embeddedPair, shareStore } from '../../flow/stores.ts'
import { longTest } from '../../tools/budget.ts'
import { checkpointWith, METADATA } from './checkpoints.ts'
import { askingGraph, notingGraph } from './graphs.ts'

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describeMainPair('the saver', (pair) => {
  const { store, view } = shareStore(pair)
  /** Megabytes, or hundreds of entries, are cut alike for either pair. */
  const largeTest = pair === embeddedPair ? test : longTest

  test('keeps threads of any name apart, and says their names', async () => {
    const saver = new ThermoclineSaver(view())
    const long = 'x'.repeat(5_000)
    const names = ['a', 'a/b', 'a%2Fb', 'é\u0000', '\ud800', '\\u0000', long, `${long}y`]
    const places = names.flatMap((thread) => ['', long].map((ns) => ({ thread_id: thread, checkpoint_ns: ns })))
    const written = new Map<string, Checkpoint>()
    for (const configurable of places) {
      const checkpoint = checkpointWith({ 'channel\0of': [configurable] })
      await saver.put({ configurable }, checkpoint, METADATA, checkpoint.channel_versions)
      written.set(JSON.stringify(configurable), checkpoint)
    }
    for (const configurable of places) {
      const read = await saver.getTuple({ configurable })
      expect(read?.checkpoint).toEqual(written.get(JSON.stringify(configurable)))
      expect(read?.config.configurable).toMatchObject(configurable)
    }
    await saver.deleteThread('a')
    const left = (await all(saver.list({}))).map(({ config }) => config.configurable!.thread_id)
    expect(new Set(left)).toEqual(new Set(names.slice(1)))
    expect(left).toHaveLength(places.length - 2)
  })

  test('gives each branch of a thread its own values', async () => {
    const graph = notingGraph(new ThermoclineSaver(view()))
    const config = { configurable: { thread_id: 'a' } }
    await graph.invoke({ notes: ['told'], title: 'one' }, config)
    const history = await all(graph.getStateHistory(config))
    const before = history.find(({ next }) => next[0] === 'first')!
    const fork = await graph.updateState(before.config, { notes: ['told otherwise'] })
    const told = await graph.invoke(null, fork)
    expect(told.notes.at(-1)).toBe('second after first after told otherwise')
    const original = await graph.getState(history[0]!.config)
    expect(original.values).toEqual({
      notes: ['told', 'first after told', 'second after first after told'],
      title: 'one',
    })
    expect((await graph.getState(config)).values.notes).toEqual(told.notes)
  })

  test('goes on after a question, as another saver, with what was written meanwhile', async () => {
    const home = view()
    const config = { configurable: { thread_id: 'a' } }
    const asked = await askingGraph(new ThermoclineSaver(home)).invoke({ notes: ['q'] }, config)
    expect(asked).toMatchObject({ __interrupt__: [{ value: 'Go on?' }] })
    const answered = await askingGraph(new ThermoclineSaver(home)).invoke(new Command({ resume: 'yes' }), config)
    expect(answered.notes).toEqual(['q', 'answer: yes'])
  })

  test('takes the checkpoint with the greatest id for the newest, whoever puts last', async () => {
    const home = view()
    const config = { configurable: { thread_id: 'a' } }
    const inOrder = Array.from({ length: 5 }, (_, n) => checkpointWith({ n }, n + 1))
    const [first, ...others] = [3, 0, 4, 1, 2].map((n) => inOrder[n]!)
    const put = (checkpoint: Checkpoint) =>
      new ThermoclineSaver(home).put(config, checkpoint, METADATA, checkpoint.channel_versions)
    await put(first!)
    await Promise.all(others.map(put))
    expect((await new ThermoclineSaver(home).getTuple(config))?.checkpoint).toEqual(inOrder[4])
    await put(first!)
    expect((await new ThermoclineSaver(home).getTuple(config))?.checkpoint).toEqual(inOrder[4])
  })

  longTest('keeps values that are larger than what the store writes at once', async () => {
    const saver = new ThermoclineSaver(view())
    const bytes = new Uint8Array(9_000_000).map((_, i) => i % 251)
    const checkpoint = checkpointWith({ bytes, text: 'é'.repeat(4_000_000), none: new Uint8Array() })
    const config = await saver.put(
      { configurable: { thread_id: 'a' } },
      checkpoint,
      METADATA,
      checkpoint.channel_versions,
    )
    await saver.putWrites(config, [['bytes', bytes]], 'task')
    const read = await saver.getTuple(config)
    expect(Buffer.compare(read!.checkpoint.channel_values.bytes as Uint8Array, bytes)).toBe(0)
    expect(read!.checkpoint.channel_values.text === checkpoint.channel_values.text).toBe(true)
    expect(read!.checkpoint.channel_values.none).toEqual(new Uint8Array())
    expect(Buffer.compare(read!.pendingWrites![0]![2] as Uint8Array, bytes)).toBe(0)
  })

  largeTest('has all writes of a task or none, also where they are more than what is written at once', async () => {
    const home = view()
    const saver = new ThermoclineSaver(home)
    const config = await saver.put({ configurable: { thread_id: 'a' } }, checkpointWith({}), METADATA, {})
    const many = Array.from({ length: 900 }, (_, n): PendingWrite => [`c${n}`, n])
    const large = Array.from({ length: 4 }, (_, n): PendingWrite => [`l${n}`, String(n).repeat(2_050_000)])
    for (const [task, writes] of Object.entries({ many, large, both: [...many, ...large] })) {
      const batches: number[] = []
      const note = ({ entries }: { readonly entries: readonly { readonly id: string }[] }) => {
        const ids = new Set(entries.map(({ id }) => id))
        batches.push(heads.filter((id) => ids.has(id)).length)
      }
      const { chunks } = home.namespace('langgraph', 'threads', 'a')
      const id = config.configurable!.checkpoint_id
      const heads = writes.map((_, n) => chunks.idOf(JSON.stringify(['write', id, task, n])))
      store().on('write', note)
      await saver.putWrites(config, writes, task)
      store().off('write', note)
      expect(batches.filter((count) => count > 0)).toEqual([writes.length])
      const read = (await saver.getTuple(config))!.pendingWrites!.filter(([of]) => of === task)
      expect(read.map(([, channel, value]) => [channel, value])).toEqual(writes)
    }
  })

  longTest('deletes the records of a thread before what they need', async () => {
    const home = view()
    const saver = new ThermoclineSaver(home)
    const config = { configurable: { thread_id: 'a' } }
    const thread = home.namespace('langgraph', 'threads', 'a')
    const records: string[] = []
    for (let n = 0; n < 3; n++) {
      const checkpoint = checkpointWith(Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`c${i}`, i])), n)
      await saver.put(config, checkpoint, METADATA, checkpoint.channel_versions)
      records.push(thread.chunks.idOf(JSON.stringify(['checkpoint', checkpoint.id])))
    }
    const deleted: string[] = []
    const note = ({ entries }: { readonly entries: readonly { readonly id: string }[] }) =>
      void deleted.push(...entries.map(({ id }) => id))
    store().on('delete', note)
    await saver.deleteThread('a')
    store().off('delete', note)
    expect(deleted.slice(0, 3).sort()).toEqual(records.sort())
    expect(await thread.count({ recursive: true })).toBe(0)
  })

  /** Each remembers what was the newest when it looked last. */
  test('is not mistaken about the newest where another saver has put or deleted since', async () => {
    const home = view()
    const [one, other] = [new ThermoclineSaver(home), new ThermoclineSaver(home)] as const
    const config = { configurable: { thread_id: 'a', checkpoint_ns: '' } }
    const inOrder = Array.from({ length: 5 }, (_, n) => checkpointWith({ n }, n + 1))
    const put = (saver: ThermoclineSaver, nth: number) =>
      saver.put(config, inOrder[nth]!, METADATA, inOrder[nth]!.channel_versions)
    const newest = async () =>
      (await Promise.all([one, other].map((saver) => saver.getTuple(config)))).map((tuple) => tuple?.checkpoint)
    await put(one, 1)
    await put(other, 3)
    await put(one, 2)
    expect(await newest()).toEqual([inOrder[3], inOrder[3]])
    await put(other, 4)
    expect(await newest()).toEqual([inOrder[4], inOrder[4]])
    await other.deleteThread('a')
    expect(await newest()).toEqual([undefined, undefined])
    await put(one, 3)
    await other.deleteThread('a')
    await put(one, 0)
    expect(await newest()).toEqual([inOrder[0], inOrder[0]])
    await put(one, 1)
    expect(await newest()).toEqual([inOrder[1], inOrder[1]])
  })

  test('leaves a write that is there, whoever writes it, and replaces what is there once', async () => {
    const home = view()
    const saver = new ThermoclineSaver(home)
    const checkpoint = checkpointWith({})
    const config = await saver.put({ configurable: { thread_id: 'a' } }, checkpoint, METADATA, {})
    const savers = Array.from({ length: 6 }, () => new ThermoclineSaver(home))
    const puts = savers.map((one, i) =>
      one.putWrites(
        config,
        [
          ['a', i],
          ['b', i],
        ],
        'task',
      ),
    )
    const written = async () => (await saver.getTuple(config))!.pendingWrites!
    await Promise.any(puts)
    const first = await written()
    await Promise.all(puts)
    expect(await written()).toEqual(first)
    expect(first[0]![2]).toBe(first[1]![2])
    await saver.putWrites(
      config,
      [
        ['a', 'late'],
        [INTERRUPT, 'first'],
        ['c', 'new'],
      ],
      'task',
    )
    await saver.putWrites(config, [[INTERRUPT, 'second']], 'task')
    const [interrupted, ...others] = await written()
    expect(interrupted).toEqual(['task', INTERRUPT, 'second'])
    expect(others).toEqual([...first, ['task', 'c', 'new']])
  })

  test('lists by what the metadata is, also by what the database does not compare', async () => {
    const saver = new ThermoclineSaver(view())
    const long = 'long '.repeat(200)
    for (let step = 0; step < 25; step++) {
      const metadata = { ...METADATA, step, tags: { odd: step % 2 === 1 }, text: step % 3 === 0 ? long : 'short' }
      await saver.put({ configurable: { thread_id: 'a' } }, checkpointWith({}), metadata, {})
    }
    const steps = async (filter: object, limit?: number) => {
      const found = await all(saver.list({ configurable: { thread_id: 'a' } }, { filter, ...(limit && { limit }) }))
      return found.map(({ metadata }) => metadata!.step)
    }
    expect(await steps({ tags: { odd: true } }, 3)).toEqual([23, 21, 19])
    expect(await steps({ text: long, tags: { odd: true } })).toEqual([21, 15, 9, 3])
    expect(await steps({ text: 'short', step: 4 })).toEqual([4])
    expect(await steps({ step: null })).toEqual([])
  })
})

describeWithServers('savers of two processes', (servers) => {
  test('see at once what the other has put', async () => {
    const shared = await servers.shared()
    const quiet = { checkpoint: { every: '1h' }, sync: false } as const
    await using mine = await openMemoryStore({ ...shared, ...quiet, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...shared, ...quiet, dir: await servers.folder() })
    const [one, other] = [new ThermoclineSaver(mine), new ThermoclineSaver(yours)]
    const config = { configurable: { thread_id: 'a' } }
    for (let n = 0; n < 5; n++) {
      const checkpoint = checkpointWith({ n }, n + 1)
      const saved = await one.put(config, checkpoint, METADATA, checkpoint.channel_versions)
      await one.putWrites(saved, [['n', n]], 'task')
      const read = await other.getTuple(config)
      expect(read?.checkpoint).toEqual(checkpoint)
      expect(read?.pendingWrites).toEqual([['task', 'n', n]])
    }
    await other.deleteThread('a')
    expect(await all(one.list(config))).toEqual([])
  })
})

describe('what a saver is given', () => {
  test('is refused by name where it is wrong', async () => {
    await using store = await openMemoryStore({ inMemory: true })
    const wrong: [unknown, unknown, string][] = [
      [store, { tll: '1d' }, 'has no option `tll`'],
      [store, { ttl: 0 }, 'option `ttl`'],
      [store, { serde: {} }, 'option `serde`'],
      [{}, {}, 'needs a store'],
    ]
    for (const [given, options, message] of wrong)
      expect(() => new ThermoclineSaver(given as never, options as never)).toThrow(message)
    const saver = new ThermoclineSaver(store)
    await expect(saver.prune({} as never)).rejects.toThrow('`keepLatest`')
    await expect(saver.prune({ keepLatest: 0 })).rejects.toThrow('`keepLatest`')
    await expect(saver.getTuple({ configurable: { thread_id: 7 } })).rejects.toThrow('`thread_id` must be a text')
    await expect(saver.deleteThread('')).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
  })
})
