import { afterAll, beforeAll } from 'vitest'
import { describeColdTier } from '../../../src/testkit/testkit.ts'
import { budget, givenSeed, isThorough } from '../../tools/budget.ts'
import { openLent, PgliteTemplate } from './pglite-template.ts'

const template = new PgliteTemplate()
// In a folder everything is synced, which takes a third of the time; what that is for is in suites of its own.
if (isThorough) {
  beforeAll(() => template.make())
  afterAll(() => template.remove())
}

describeColdTier('PGlite', {
  // WebAssembly takes ten times as long as a server to build an index.
  indexedVectors: isThorough ? 1_500 : 500,
  runs: budget({ short: 30, long: 5_000 }),
  seed: givenSeed,
  open: (options) => (isThorough ? template.open(options) : openLent(options)),
})
