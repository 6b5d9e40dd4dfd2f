/** Writes of a task that are too large to be put at once, so that they are cut. */
import type { PendingWrite } from '@langchain/langgraph-checkpoint'

export const TASK = 'task'

/** @param n of the checkpoint after which they are. */
export function largeWrites(n: number): PendingWrite[] {
  const large = (name: string): PendingWrite => [name, `${name} of ${n}, `.repeat(300_000)]
  return [...['a', 'b', 'c'].map(large), ['d', n]]
}
