/** Checkpoints of which each says by its number what it holds, so that a reader knows whether one is whole. */
import { deepStrictEqual } from 'node:assert/strict'
import type { Checkpoint, CheckpointTuple } from '@langchain/langgraph-checkpoint'
import { checkpointWith } from './checkpoints.ts'

export const THREADS = ['a', 'b', 'c'] as const
/** So often the value of `seldom` is a new one; between, checkpoints share it. */
const SELDOM = 5

function valuesOf(n: number): Record<string, unknown> {
  return { count: n, text: `${n} `.repeat(2_000), seldom: n - (n % SELDOM) }
}

/** @param isFirst of a process: it stores every channel, since the one before it may never have been acknowledged. */
export function numbered(
  n: number,
  isFirst: boolean,
): { readonly checkpoint: Checkpoint; readonly newVersions: Record<string, number> } {
  const seldom = n - (n % SELDOM)
  const checkpoint = { ...checkpointWith(valuesOf(n)), channel_versions: { count: n, text: n, seldom } }
  const newVersions = { count: n, text: n, ...(isFirst || n === seldom ? { seldom } : {}) }
  return { checkpoint, newVersions }
}

export function expectWhole({ checkpoint, metadata }: CheckpointTuple): void {
  deepStrictEqual(checkpoint.channel_values, valuesOf(metadata!.step))
}
