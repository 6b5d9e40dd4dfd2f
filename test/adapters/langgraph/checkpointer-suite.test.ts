/**
 * LangGraph's own suite for checkpointers, `@langchain/langgraph-checkpoint-validation`: 718 tests, and 8 for channels
 * that keep differences. All of it on each pair in the long run; a part, on the embedded pair, each time.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { describePairs, embeddedPair, type Pair, shareStore } from '../../flow/stores.ts'
import { isThorough } from '../../tools/budget.ts'

// It takes them from where a runner with globals has them.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it })
const { deltaChannelHistoryTests, specTest } = await import('@langchain/langgraph-checkpoint-validation')

type Part = NonNullable<Parameters<typeof specTest>[1]>[number]

/** In one store, since a database takes seconds; each checkpointer has a namespace of its own in it. */
function runSuite(pair: Pair, parts?: Part[]): void {
  const { view } = shareStore(pair)
  const initializer = {
    checkpointerName: 'ThermoclineSaver',
    createCheckpointer: () => new ThermoclineSaver(view()),
  }
  specTest(initializer, parts)
  deltaChannelHistoryTests(initializer)
}

if (isThorough) describePairs('the suite of LangGraph', (pair) => runSuite(pair))
else describe('a part of the suite of LangGraph', () => runSuite(embeddedPair, ['getTuple', 'deleteThread']))
