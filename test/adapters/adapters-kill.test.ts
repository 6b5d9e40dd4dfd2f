/**
 * A process that calls every adapter is killed with -9 at any moment, again and again: what was acknowledged is there,
 * and of the one call of each adapter that was not, all or nothing where the adapter promises that. `FAULT_RUNS` sets
 * the number of kills on each pair. The checkpointer of LangGraph has its own: langgraph/saver-kill.test.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { budget, longTest } from '../tools/budget.ts'
import { Child } from '../wal/child.ts'
import { KEPT, type Kept, PATIENT, type State } from './kept-by-adapters.ts'

const KILLS = budget({ short: 1, long: 5 })
const TIMEOUT = 36_000_000

/** How many calls of each adapter were acknowledged. */
type Told = ReadonlyMap<string, number>

async function callAndKill(options: MemoryStoreOptions, round: string): Promise<Told> {
  const child = new Child('../adapters/keeping-child.ts', [JSON.stringify(options), round])
  const told = new Map<string, number>()
  let left = Math.ceil(Math.random() * 400)
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    const [name, n] = line.split('\t') as [string, string]
    told.set(name, Number(n))
    if (--left === 0) setTimeout(() => child.process.kill('SIGKILL'), Math.random() * 20)
  }
  expect(await child.gone()).toBe('SIGKILL')
  return told
}

function stateAfter({ after }: Kept, calls: number): State {
  let state: State = {}
  for (let n = 1; n <= calls; n++) state = after(state, n)
  return state
}

function expectKept(kept: Kept, acknowledged: number, found: State): void {
  const possible = [acknowledged, acknowledged + 1].map((calls) => present(stateAfter(kept, calls)))
  const where = `${kept.name} after ${acknowledged} calls`
  if (kept.isWhole && !possible.some((state) => isDeepStrictEqual(state, found)))
    expect(found, where).toEqual(possible[0])
  for (const name of new Set([...possible, found].flatMap(Object.keys)))
    expect(
      possible.map((state) => state[name]),
      `${name} of ${where}`,
    ).toContainEqual(found[name])
}

/** A list that is empty is as one that is not there. */
function present(state: State): State {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => !isDeepStrictEqual(value, [])))
}

async function killAgainAndAgain(options: MemoryStoreOptions): Promise<void> {
  const rounds: Told[] = []
  for (let kills = 0; kills < KILLS; kills++) {
    rounds.push(await callAndKill(options, `${kills}`))
    await using store = await openMemoryStore({ ...options, sync: false, timeouts: PATIENT })
    for (const kept of KEPT) {
      const keeper = await kept.open(store.namespace(`${kills}`, kept.name))
      expectKept(kept, rounds.at(-1)!.get(kept.name) ?? 0, present(await keeper.found()))
    }
  }
  await using store = await openMemoryStore({ ...options, sync: false, timeouts: PATIENT })
  for (const [round, told] of rounds.entries())
    for (const kept of KEPT) {
      const keeper = await kept.open(store.namespace(`${round}`, kept.name))
      expectKept(kept, told.get(kept.name) ?? 0, present(await keeper.found()))
    }
}

describe('what adapters keep on the embedded pair', () => {
  test(`is there and whole after ${KILLS} kills`, { timeout: TIMEOUT }, async () => {
    await killAgainAndAgain({ dir: await temporaryFolder() })
  })
})

describeWithServers('what adapters keep on Redis and Postgres', (servers) => {
  longTest(`is there and whole after ${KILLS} kills`, { timeout: TIMEOUT }, async () => {
    await killAgainAndAgain({ ...(await servers.shared()), dir: await servers.folder() })
  })
})
