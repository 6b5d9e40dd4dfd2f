import { expect, test } from 'vitest'
import { ThermoclineError } from '../../src/errors.ts'
import { TierWatch } from '../../src/flow/tier-watch.ts'

const failure = (tier: 'hot' | 'cold', code?: string): ThermoclineError =>
  new ThermoclineError('ERR_TIER_UNAVAILABLE', 'away', { tier }, { cause: Object.assign(new Error('x'), { code }) })

class Tier {
  #answer: unknown = 'an answer'
  fails(error: unknown): void {
    this.#answer = error
  }
  async call(): Promise<unknown> {
    if (this.#answer instanceof Error) throw this.#answer
    return this.#answer
  }
}

async function stateAfter(error: unknown) {
  const watch = new TierWatch('cold')
  const tier = new Tier()
  const watched = watch.over(tier)
  expect(await watched.call()).toBe('an answer')
  expect(watch.state()).toEqual({ is: 'there' })
  tier.fails(error)
  await expect(watched.call()).rejects.toBe(error)
  return { watch, tier, watched, state: watch.state() }
}

test.each([undefined, 'ECONNREFUSED', '57P01', '08006', '53300'])('a tier that fails with %s is away', async (code) => {
  const began = Date.now()
  const { watch, tier, watched, state } = await stateAfter(failure('cold', code))
  expect(state).toEqual({ is: 'away', since: expect.any(Date) })
  expect((state as { since: Date }).since.getTime()).toBeGreaterThanOrEqual(began)
  await watched.call().catch(() => {})
  expect(watch.state()).toEqual(state)
  tier.fails('again')
  await watched.call()
  expect(watch.state()).toEqual({ is: 'there' })
})

test.each([
  ['refuses a statement', failure('cold', '22P02')],
  ['is another', failure('hot')],
  ['was closed', new ThermoclineError('ERR_CLOSED', 'closed', {})],
])('a tier that %s is there', async (_, error) => {
  expect((await stateAfter(error)).state).toEqual({ is: 'there' })
})
