/**
 * A process that is killed at any moment does not know what became of its last write; whoever asks for it again under
 * its idempotency key gets one receipt, and there is one entry. `FAULT_RUNS` says how many are killed;
 * a failing run replays with `FAULT_SEED`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { budget, longTest } from '../tools/budget.ts'
import { Child } from '../wal/child.ts'
import type { KeyedOrders } from './keyed-child.ts'
import { randomFrom } from './seeded-random.ts'

const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const KILLS = budget({ short: 1, long: 12 })
const TIMEOUT = 60_000 + KILLS * 30_000

async function killAndAskAgain(options: () => Promise<MemoryStoreOptions>): Promise<void> {
  const receipts = new Map<number, string>()
  const random = randomFrom(SEED)
  /** The first that nobody was told of. */
  let open = 0
  const follow = async (child: Child, most: number) => {
    for (let told = 0; told < most; told++) {
      const line = await child.line()
      if (line === undefined || line === 'done') return
      const [n, ...receipt] = line.split(' ')
      receipts.set(Number(n), receipt.join(' '))
      open = Number(n) + 1
    }
  }
  const start = async (to: number) => {
    const orders: KeyedOrders = { options: await options(), from: open, to }
    const child = new Child('../fault/keyed-child.ts', [JSON.stringify(orders)])
    expect(await child.line()).toBe('open')
    return child
  }
  for (let kill = 0; kill < KILLS; kill++) {
    const child = await start(1_000_000)
    await follow(child, 1 + (kill % 3))
    // Somewhere within the next write or two: no event tells of its steps.
    await sleep(random() * 15)
    await child.kill()
    await follow(child, Number.POSITIVE_INFINITY)
  }
  const last = await start(open + 3)
  await follow(last, Number.POSITIVE_INFINITY)
  // It has closed the store by then.
  expect(await last.rest()).toEqual([])
  const store = await openMemoryStore(await options())
  try {
    const found = new Map<number, string[]>()
    for await (const { id, version, metadata } of store.metadata.findAll({}))
      found.set(metadata.n as number, [...(found.get(metadata.n as number) ?? []), `${id} ${version}`])
    expect(receipts.size).toBe(open)
    expect(found).toEqual(new Map([...receipts].map(([n, receipt]) => [n, [receipt]])))
  } finally {
    await store.close()
  }
}

longTest(
  `embedded: each write is there once, as it was acknowledged (FAULT_SEED=${SEED})`,
  {
    timeout: TIMEOUT,
  },
  async () => {
    const dir = await temporaryFolder()
    await killAndAskAgain(async () => ({ dir }))
  },
)

describeWithServers('on servers', (servers) => {
  longTest(
    `each write is there once, as it was acknowledged to whichever process (FAULT_SEED=${SEED})`,
    {
      timeout: TIMEOUT,
    },
    async () => {
      const shared = await servers.shared()
      const folders = [await temporaryFolder(), await temporaryFolder()]
      let turn = 0
      // The next one is another process with another log: what it is told comes from cold alone.
      await killAndAskAgain(async () => ({ ...shared, dir: folders[turn++ % 2]! }))
    },
  )
})
