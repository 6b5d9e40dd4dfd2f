/**
 * LangGraph's own runtime, in processes that are killed with -9 at any moment and followed by others: a graph that asks
 * a person in each round comes to its end with each step once, goes on another way from a moment of its past, and what
 * it was before that is still there. `FAULT_RUNS` sets how often on each pair.
 */
import type { StateSnapshot } from '@langchain/langgraph'
import { describe, expect } from 'vitest'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../../flow/stores.ts'
import { budget, longTest } from '../../tools/budget.ts'
import { Child } from '../../wal/child.ts'
import { notesInTheEnd, OTHERWISE, roundsGraph, THREAD } from './rounds-graph.ts'

const RUNS = budget({ short: 1, long: 3 })
const TIMEOUT = 36_000_000
/** Lines that a process has told when it is killed: some come no further than what was there already. */
const MOST_LINES = 8

/** Kills one process after the other until one is done. The first goes no further than where it is killed. */
async function killUntilDone(options: MemoryStoreOptions, what: 'run' | 'travel'): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    let left = Math.ceil(Math.random() * MOST_LINES)
    const orders = [JSON.stringify(options), what, ...(isFirst ? [left] : [])]
    const child = new Child('../adapters/langgraph/graph-child.ts', orders)
    let isDone = false
    for (let line = await child.line(); line !== undefined; line = await child.line()) {
      isDone ||= line === 'done'
      if (--left === 0 && !isDone) setTimeout(() => child.process.kill('SIGKILL'), Math.random() * 20)
    }
    const signal = await child.gone()
    if (isDone) {
      expect(isFirst).toBe(false)
      return
    }
    expect(signal).toBe('SIGKILL')
  }
}

async function expectEnd(options: MemoryStoreOptions, isForked: boolean): Promise<void> {
  await using store = await openMemoryStore({ ...options, sync: false })
  const graph = roundsGraph(new ThermoclineSaver(store))
  const history: StateSnapshot[] = []
  for await (const state of graph.getStateHistory(THREAD)) history.push(state)
  expect(history[0]!.values.notes).toEqual(notesInTheEnd(isForked))
  const ids = new Set(history.map(({ config }) => config.configurable!.checkpoint_id))
  for (const { values, parentConfig } of history) {
    const notes: string[] = values.notes ?? []
    expect(notes).toEqual(notesInTheEnd(notes.includes(OTHERWISE)).slice(0, notes.length))
    if (parentConfig !== undefined) expect(ids).toContain(parentConfig.configurable!.checkpoint_id)
  }
  if (!isForked) return
  // The end of the way that was left is a moment of the past as any other.
  const before = history.find(({ values, next }) => next.length === 0 && !values.notes?.includes(OTHERWISE))
  expect((await graph.getState(before!.config)).values.notes).toEqual(notesInTheEnd(false))
}

async function runAndTravel(options: MemoryStoreOptions): Promise<void> {
  await killUntilDone(options, 'run')
  await expectEnd(options, false)
  await killUntilDone(options, 'travel')
  await expectEnd(options, true)
}

describe('a graph on the embedded pair', () => {
  longTest('comes to its end through kills, and to another one from its past', { timeout: TIMEOUT }, async () => {
    for (let run = 0; run < RUNS; run++) await runAndTravel({ dir: await temporaryFolder() })
  })
})

describeWithServers('a graph on Redis and Postgres', (servers) => {
  longTest('comes to its end through kills, and to another one from its past', { timeout: TIMEOUT }, async () => {
    for (let run = 0; run < RUNS; run++)
      await runAndTravel({ ...(await servers.shared()), dir: await servers.folder() })
  })
})
