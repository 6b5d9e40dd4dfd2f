import { afterAll, beforeAll } from 'vitest'
import { describeColdTier } from '../../contract/cold-tier.ts'
import { PgliteTemplate } from './pglite-template.ts'

const template = new PgliteTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

describeColdTier({ name: 'PGlite', indexesVectors: true, open: (options) => template.open(options) })
