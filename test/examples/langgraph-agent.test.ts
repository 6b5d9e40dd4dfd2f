/** The example of an agent runs on each pair, and again in the same store, where its threads go on. */
import { expect, test } from 'vitest'
import { describePairs, embeddedPair, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { talk } from './langgraph-agent.ts'

describePairs('the agent of LangGraph', (pair) => {
  // test/adapters/langgraph has what servers answer.
  const onPair = pair === embeddedPair ? test : longTest

  onPair('remembers a person across threads, and a thread across stores', async () => {
    const options = { ...(await pair.options()), inMemory: false, dir: await temporaryFolder() }
    expect(await talk(options)).toEqual([
      'I will.',
      'I will.',
      '(1 turns) You told me: I cannot eat nuts',
      '(5 turns) You told me: I move to Lisbon in May',
      '(3 turns) I do not know.',
    ])
    expect((await talk(options)).at(-2)).toBe('(11 turns) You told me: I move to Lisbon in May')
  })
})
