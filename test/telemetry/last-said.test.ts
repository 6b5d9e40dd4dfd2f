import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ThermoclineError } from '../../src/errors.ts'
import { LastSaid } from '../../src/telemetry/last-said.ts'
import { ManualClock } from '../tools/manual-clock.ts'

const AWAY = new ThermoclineError('ERR_TIER_UNAVAILABLE', 'away', { tier: 'cold' })

interface Answer {
  readonly resolve: (value: number) => void
  readonly reject: (error: Error) => void
}

/** Of a tier whose answers come when the test says so. */
function askedBy({ isAway = false, ...patience }: { readonly patience?: number; readonly isAway?: boolean }) {
  const clock = new ManualClock()
  const answers: Answer[] = []
  const ask = () => new Promise<number>((resolve, reject) => answers.push({ resolve, reject }))
  return { answers, clock, said: new LastSaid({ ask, isAway: () => isAway, clock, ...patience }) }
}

test('an answer is kept with its time, and is still there while a later one does not come', async () => {
  const { answers, clock, said } = askedBy({ patience: 1 })
  const first = said.now()
  answers[0]!.resolve(1)
  expect(await first).toBe(1)
  const at = clock.now()
  clock.advance(5_000)
  expect(await said.now()).toBeUndefined()
  expect(said.last).toEqual({ value: 1, at })
  // It has been asked already.
  expect(await said.now()).toBeUndefined()
  expect(answers).toHaveLength(2)
  answers[1]!.resolve(2)
  await expect.poll(() => said.last).toEqual({ value: 2, at: clock.now() })
})

test('a tier that was waited for is not waited for again by whoever asks next', async () => {
  const { said } = askedBy({ patience: 100 })
  await said.now()
  const next = said.now().then(() => 'told')
  // Timers fire in the order of their times, however late: this one comes before a second wait would end.
  expect(await Promise.race([next, delay(50, 'waits')])).toBe('told')
})

test('a tier that is known to be away is asked and not waited for', async () => {
  const { answers, said } = askedBy({ isAway: true })
  expect(await said.now()).toBeUndefined()
  answers[0]!.resolve(1)
  await expect.poll(() => said.last?.value).toBe(1)
})

test('a refusal is told by its code until the tier tells again, and anything else is not taken for one', async () => {
  const { answers, said } = askedBy({})
  const refused = said.now()
  answers[0]!.reject(AWAY)
  expect(await refused).toBeUndefined()
  expect(said.errorCode).toBe('ERR_TIER_UNAVAILABLE')
  const faulty = said.now()
  answers[1]!.reject(new TypeError('a fault'))
  await expect(faulty).rejects.toThrow('a fault')
  const told = said.now()
  answers[2]!.resolve(1)
  expect(await told).toBe(1)
  expect(said.errorCode).toBeUndefined()
})
