/** The example of retrieval runs on each pair, and again in the same store with a page changed. */
import { expect, test } from 'vitest'
import { describePairs, embeddedPair, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { ask } from './langchain-retrieval.ts'

const ICE = { source: 'ice.md', texts: ['Ice floats on water', 'Salt melts ice'] }
const DRAFTS = { source: 'drafts.md', texts: ['Ice floats, says the draft'] }

describePairs('retrieval with LangChain', (pair) => {
  // test/adapters/langchain has what servers answer.
  const onPair = pair === embeddedPair ? test : longTest

  onPair('embeds what is new, answers from what it found, and remembers what was asked', async () => {
    const options = { ...(await pair.options()), inMemory: false, dir: await temporaryFolder() }
    const lakes = { source: 'lakes.md', texts: ['Warm water stays above in a lake'] }
    const first = await ask(options, [ICE, DRAFTS, lakes], ['Why does ice float?', 'lake'])
    expect(first).toEqual({
      did: { numAdded: 4, numDeleted: 0, numUpdated: 0, numSkipped: 0 },
      embedded: 4,
      replies: ['(1) Ice floats on water [ice.md]', '(2) Warm water stays above in a lake [lakes.md]'],
    })
    const changed = { source: 'lakes.md', texts: ['A lake turns over in autumn'] }
    const second = await ask(options, [ICE, DRAFTS, changed], ['lake'])
    expect(second).toEqual({
      did: { numAdded: 1, numDeleted: 1, numUpdated: 0, numSkipped: 3 },
      embedded: 1,
      replies: ['(3) A lake turns over in autumn [lakes.md]'],
    })
  })
})
