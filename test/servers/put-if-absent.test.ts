/** Two who put one entry where there is none: in each round one of them is the first. `FAULT_RUNS` says how many. */
import { expect, test } from 'vitest'
import { isThermoclineError, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'
import { budget, longTest } from '../tools/budget.ts'
import { Child } from '../wal/child.ts'

const ROUNDS = budget({ short: 15, long: 150 })
const TIMEOUT = 60_000 + ROUNDS * 500

/** One has won, and the other was told which version that is. */
function judge(answers: readonly string[], round: number): void {
  const [won, lost] = answers.toSorted((a, b) => (a < b ? 1 : -1)) as [string, string]
  expect([won, lost], `round ${round}`).toEqual([won, won.replace('won', 'lost')])
  expect(won).toMatch(/^won [0-9a-f]{24}$/)
}

describeWithServers('two processes', (servers) => {
  test('put where there is nothing, and one of them does', { timeout: TIMEOUT }, async () => {
    const shared = await servers.shared()
    const children = await Promise.all(
      [1, 2].map(async () => {
        const child = new Child('../servers/absent-child.ts', [
          JSON.stringify({ ...shared, dir: await temporaryFolder() }),
        ])
        expect(await child.line()).toBe('open')
        return child
      }),
    )
    for (let round = 0; round < ROUNDS; round++) {
      for (const child of children) child.process.stdin!.write(`key ${round}\n`)
      const answers = await Promise.all(children.map(async (child) => (await child.line())!))
      judge(answers, round)
    }
    for (const child of children) child.process.stdin!.end()
    for (const child of children) expect(await child.rest()).toEqual([])
    const store = await openMemoryStore({ ...shared, dir: await temporaryFolder(), ...QUIET })
    expect(await store.metadata.count()).toBe(ROUNDS)
    await store.close()
  })
})

longTest(
  'two callers of an embedded store put where there is nothing, and one does',
  { timeout: TIMEOUT },
  async () => {
    await using store = await openMemoryStore({ dir: await temporaryFolder(), ...QUIET })
    for (let round = 0; round < ROUNDS; round++) {
      const put = async (by: number) => {
        try {
          const { version } = await store.metadata.put(
            { key: `key ${round}`, metadata: { by } },
            { expectedVersion: null },
          )
          return `won ${version}`
        } catch (error) {
          if (!isThermoclineError(error, 'ERR_CONFLICT')) throw error
          return `lost ${error.details.actual}`
        }
      }
      judge(await Promise.all([put(1), put(2)]), round)
    }
    expect(await store.metadata.count()).toBe(ROUNDS)
  },
)
