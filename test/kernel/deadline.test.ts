import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { throwIfAborted, withDeadline } from '../../src/kernel/deadline.ts'

describe('withDeadline', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const never = new Promise<never>(() => {})

  it('settles as the work does, and leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController()
    const failure = new Error('as it came')
    expect(await withDeadline(Promise.resolve(7), { signal, timeout: 1_000 })).toBe(7)
    await expect(withDeadline(Promise.reject(failure), { signal, timeout: 1_000 })).rejects.toBe(failure)
    expect(vi.getTimerCount()).toBe(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('waits for as long as it takes where nobody set a limit', async () => {
    expect(await withDeadline(Promise.resolve(7), {})).toBe(7)
    expect(await withDeadline(Promise.resolve(7), { signal: undefined, timeout: undefined })).toBe(7)
  })

  it('rejects with ERR_TIMEOUT when the time is up, and says what became of the write', async () => {
    const { signal } = new AbortController()
    const call = withDeadline(never, { signal, timeout: 1_000 }, { id: 'x', outcome: 'unknown' })
    const outcome = expect(call).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      retryable: true,
      details: { id: 'x', outcome: 'unknown' },
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await outcome
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it.each([Number.POSITIVE_INFINITY, 2 ** 31, 30 * 86_400_000])(
    'does not give up at once for %d ms',
    async (timeout) => {
      let gaveUp = false
      withDeadline(never, { timeout }).catch(() => {
        gaveUp = true
      })
      await vi.advanceTimersByTimeAsync(86_400_000)
      expect(gaveUp).toBe(false)
    },
  )

  it('rejects with ERR_ABORTED when the signal fires, and clears its timer', async () => {
    const controller = new AbortController()
    const call = withDeadline(never, { signal: controller.signal, timeout: 1_000 }, { outcome: 'none' })
    controller.abort(new Error('secret reason'))
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED', retryable: false, details: { outcome: 'none' } })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects at once where the signal has fired before', async () => {
    await expect(withDeadline(never, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('puts one listener on a signal, however many wait under it, until the last is done', async () => {
    const controller = new AbortController()
    const { signal } = controller
    let finish = (): void => {}
    const first = withDeadline(new Promise<void>((resolve) => (finish = resolve)), { signal })
    const others = Array.from({ length: 20 }, () => withDeadline(never, { signal }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    finish()
    await first
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    controller.abort()
    const outcomes = await Promise.allSettled(others)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('listens anew to a signal that was let go', async () => {
    const controller = new AbortController()
    await withDeadline(Promise.resolve(), { signal: controller.signal })
    const call = withDeadline(never, { signal: controller.signal })
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('leaves no rejection unhandled where what it was given is no signal', async () => {
    const signal = new AbortController() as unknown as AbortSignal
    await expect(withDeadline(Promise.reject(new Error('late')), { signal })).rejects.toBeInstanceOf(Error)
  })

  it('handles work that fails after the caller gave up', async () => {
    const work = new Promise<never>((_, reject) => setTimeout(reject, 10, new Error('late')))
    await expect(withDeadline(work, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    // An unhandled rejection would fail the run.
    await vi.advanceTimersByTimeAsync(10)
  })
})

it('refuses a call whose signal has fired', () => {
  throwIfAborted(undefined)
  throwIfAborted(new AbortController().signal)
  expect(() => throwIfAborted(AbortSignal.abort(), { id: 'x' })).toThrow(
    expect.objectContaining({ code: 'ERR_ABORTED', details: { id: 'x' } }),
  )
})
