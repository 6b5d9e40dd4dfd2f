import { describe, expect, it } from 'vitest'
import { CircuitBreaker, CircuitOpen } from '../../../src/hot/redis/circuit-breaker.ts'
import { ManualClock } from '../../tools/manual-clock.ts'

const outage = new Error('no answer')
const answer = new Error('an answer')

function setUp() {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ threshold: 3, restMs: 1_000, clock, isOutage: (error) => error === outage })
  let started = 0
  const call = (error?: Error): Promise<string> =>
    breaker.run(async () => {
      started++
      if (error !== undefined) throw error
      return 'done'
    })
  const fail = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await expect(call(outage)).rejects.toBe(outage)
  }
  return { clock, breaker, call, fail, started: () => started }
}

describe('CircuitBreaker', () => {
  it('lets calls through, and their errors as they are', async () => {
    const { call, fail } = setUp()
    expect(await call()).toBe('done')
    await fail(2)
    expect(await call()).toBe('done')
    await fail(2)
    expect(await call()).toBe('done')
  })

  it('opens after so many failures in a row, and starts nothing while open', async () => {
    const { clock, call, fail, started } = setUp()
    await fail(3)
    clock.advance(999)
    await expect(call()).rejects.toBeInstanceOf(CircuitOpen)
    expect(started()).toBe(3)
  })

  it('counts as many failures as calls waited for the work', async () => {
    const { breaker, call } = setUp()
    await expect(breaker.run(() => Promise.reject(outage), 3)).rejects.toBe(outage)
    await expect(call()).rejects.toBeInstanceOf(CircuitOpen)
  })

  it('counts no error that the tier answered with', async () => {
    const { call, fail } = setUp()
    await fail(2)
    await expect(call(answer)).rejects.toBe(answer)
    await fail(2)
    expect(await call()).toBe('done')
  })

  it('sends one probe after the rest, and closes when that succeeds', async () => {
    const { clock, breaker, call, fail } = setUp()
    await fail(3)
    clock.advance(1_000)
    let answerProbe = (): void => {}
    const probe = breaker.run(
      () =>
        new Promise<void>((resolve) => {
          answerProbe = resolve
        }),
    )
    await expect(call()).rejects.toBeInstanceOf(CircuitOpen)
    answerProbe()
    await probe
    expect(await call()).toBe('done')
  })

  it('opens anew when the probe fails', async () => {
    const { clock, call, fail } = setUp()
    await fail(3)
    clock.advance(1_000)
    await fail(1)
    clock.advance(999)
    await expect(call()).rejects.toBeInstanceOf(CircuitOpen)
    clock.advance(1)
    expect(await call()).toBe('done')
  })

  it('is not opened again by calls from before', async () => {
    const { breaker, call } = setUp()
    const failLate: (() => void)[] = []
    const late = Array.from({ length: 9 }, () =>
      breaker.run(() => new Promise<never>((_, reject) => failLate.push(() => reject(outage)))),
    )
    breaker.close()
    for (const fail of failLate) fail()
    for (const one of late) await expect(one).rejects.toBe(outage)
    expect(await call()).toBe('done')
  })

  it('closes for whoever knows better', async () => {
    const { breaker, call, fail } = setUp()
    await fail(3)
    breaker.close()
    expect(await call()).toBe('done')
  })
})
