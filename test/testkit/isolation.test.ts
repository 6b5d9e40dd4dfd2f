/** Our namespaces keep apart what the suite for anybody's store tries. */
import { randomUUID } from 'node:crypto'
import { describeIsolation } from '../../src/testkit/testkit.ts'
import { describeMainPair, shareStore } from '../flow/stores.ts'
import { budget, givenSeed, someOf } from '../tools/budget.ts'
import { isName, testedStore } from './memory-store.ts'

describeMainPair('namespaces', (pair) => {
  const { store } = shareStore(pair)
  const runs = budget({ short: 2, long: 200 })

  for (const recursive of someOf([false, true]))
    describeIsolation(recursive ? 'thermocline, recursive' : 'thermocline', {
      open: () => testedStore(store().namespace(randomUUID()), { recursive }),
      accepts: isName,
      listsBelow: recursive,
      runs,
      seed: givenSeed,
    })
})
