/**
 * Processes whose callers count one entry by compare-and-set, while one is killed and Redis restarts: nothing counts
 * twice, and nothing that was acknowledged is missing. `FAULT_RUNS` says how far they count.
 */
import { expect, test, vi } from 'vitest'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { budget, isThorough, longTest } from '../tools/budget.ts'
import { Child } from '../wal/child.ts'
import type { Counted, CountingOrders } from './counting-child.ts'
import { describeWithPrivateServers } from './private-servers.ts'

const UP_TO = budget({ short: 50, long: 1_000 })
const CALLERS = 32
const KEY = 'counter'
const TIMEOUT = 120_000 + UP_TO * 200

/** What became of the updates of each caller. */
class Tally {
  readonly counted = new Map<string, number>()
  readonly unknown = new Map<string, number>()
  total = 0

  async follow(child: Child): Promise<string | undefined> {
    for (let line = await child.line(); line !== undefined; line = await child.line()) {
      const [what, caller] = line.split(' ') as [string, string]
      if (what === 'done') return line
      const tally = what === 'counted' ? this.counted : this.unknown
      tally.set(caller, (tally.get(caller) ?? 0) + 1)
      if (what === 'counted') this.total++
    }
    return undefined
  }

  /** @param killed names of callers of whom what they were told last may not have been heard. */
  judge({ n, by }: Counted, killed: string): void {
    expect(n).toBe(UP_TO)
    expect(Object.values(by).reduce((sum, count) => sum + count, 0)).toBe(UP_TO)
    for (const [caller, count] of this.counted) {
      const most = count + (this.unknown.get(caller) ?? 0) + (caller.startsWith(killed) ? 1 : 0)
      expect(by[caller], caller).toBeGreaterThanOrEqual(count)
      expect(by[caller], caller).toBeLessThanOrEqual(most)
    }
  }
}

async function start(orders: CountingOrders): Promise<Child> {
  const child = new Child('../servers/counting-child.ts', [JSON.stringify(orders)])
  expect(await child.line()).toBe('open')
  return child
}

async function withStore<T>(options: MemoryStoreOptions, work: Parameters<typeof use<T>>[1]): Promise<T> {
  return use(await openMemoryStore(options), work)
}

async function use<T>(
  store: Awaited<ReturnType<typeof openMemoryStore>>,
  work: (store: Awaited<ReturnType<typeof openMemoryStore>>) => Promise<T>,
): Promise<T> {
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const begin = (options: MemoryStoreOptions) =>
  withStore(options, ({ metadata }) => metadata.put({ key: KEY, metadata: { n: 0, by: {} } }))
const resultOf = (options: MemoryStoreOptions) =>
  withStore(options, async ({ metadata }) => (await metadata.getByKey(KEY))!.metadata as unknown as Counted)

describeWithPrivateServers('processes that count one entry', (servers) => {
  test('count each update once, while one is killed and Redis restarts', { timeout: TIMEOUT }, async () => {
    const shared = { ...(await servers.shared()), timeouts: { hot: 500, cold: 5_000 } }
    const [dir, killedDir] = [await temporaryFolder(), await temporaryFolder()]
    await begin({ ...shared, dir })
    const orders = (name: string, folder: string): CountingOrders => {
      return { options: { ...shared, dir: folder }, key: KEY, name, callers: CALLERS, upTo: UP_TO }
    }
    const tally = new Tally()
    const children = [await start(orders('a', dir)), await start(orders('b', killedDir))] as const
    const following = children.map((child) => tally.follow(child))
    const reach = (part: number) =>
      vi.waitFor(() => expect(tally.total).toBeGreaterThanOrEqual(UP_TO * part), { timeout: TIMEOUT, interval: 20 })
    await reach(0.3)
    await children[1].kill()
    await reach(0.4)
    await servers.redis.restart()
    const again = await start(orders('c', killedDir))
    following.push(tally.follow(again))
    const [first, killed, third] = await Promise.all(following)
    expect([first, third]).toEqual(['done', 'done'])
    // Where the machine is busy, the few of the short run may be counted before the kill arrives.
    if (isThorough) expect(killed).toBeUndefined()
    tally.judge(await resultOf({ ...shared, dir: await temporaryFolder() }), 'b.')
  })
})

longTest(
  'a process on embedded tiers counts each update once, and goes on where one was killed',
  async () => {
    const dir = await temporaryFolder()
    await begin({ dir })
    const tally = new Tally()
    const orders = (name: string): CountingOrders => ({
      options: { dir },
      key: KEY,
      name,
      callers: CALLERS,
      upTo: UP_TO,
    })
    const first = await start(orders('a'))
    const following = tally.follow(first)
    await vi.waitFor(() => expect(tally.total).toBeGreaterThanOrEqual(UP_TO / 2), { timeout: TIMEOUT, interval: 20 })
    await first.kill()
    expect(await following).toBeUndefined()
    const second = await start(orders('b'))
    expect(await tally.follow(second)).toBe('done')
    await second.rest()
    tally.judge(await resultOf({ dir }), 'a.')
  },
  TIMEOUT,
)
