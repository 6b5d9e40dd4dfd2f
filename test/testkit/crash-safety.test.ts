/** Our store loses nothing in what the suite for anybody's store does. It is the compiled one, as users have it. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll } from 'vitest'
import type { MemoryStoreOptions } from '../../src/index.ts'
import { describeWithServers } from '../flow/stores.ts'
import { budget, givenSeed } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'

const TESTKIT = join(import.meta.dirname, '../../src/testkit/testkit.ts')
const { describeCrashSafety }: typeof import('../../src/testkit/testkit.ts') = await import(compiled(TESTKIT))

function moduleWith(options: MemoryStoreOptions): URL {
  const module = pathToFileURL(compiled(join(import.meta.dirname, 'crashing-store.ts')))
  module.searchParams.set('options', JSON.stringify(options))
  return module
}

describeCrashSafety('thermocline, embedded', {
  module: moduleWith({ hot: { maxEntries: 4 } }),
  kills: budget({ short: 1, long: 10 }),
  seed: givenSeed,
})

describeWithServers('on Redis and Postgres', (servers) => {
  let module: URL
  beforeAll(async () => {
    module = moduleWith(await servers.shared())
  })

  describeCrashSafety('thermocline', {
    get module() {
      return module
    },
    kills: budget({ short: 1, long: 30 }),
    seed: givenSeed,
  })
})
