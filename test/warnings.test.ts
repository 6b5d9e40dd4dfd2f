import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { silentLogger, warningLogger } from '../src/kernel/logger.ts'
import { resolveOptions } from '../src/store/resolve-options.ts'

type Warning = Error & { readonly code?: string; readonly detail?: string }

const heard: Warning[] = []
const hear = (warning: Error): void => {
  if (warning.name === 'ThermoclineWarning') heard.push(warning)
}
beforeEach(() => {
  heard.length = 0
  process.on('warning', hear)
})
afterEach(() => {
  process.off('warning', hear)
})

/** Warnings are told in the next turn. */
const told = () => new Promise<void>((resolve) => setImmediate(resolve))

test('without a logger, what needs a look becomes a warning of the process, each text once', async () => {
  const { logger } = resolveOptions()
  expect(logger).toBe(warningLogger)
  for (let times = 0; times < 3; times++) logger.warn({ policy: 'allkeys-lru' }, 'Redis may evict')
  logger.error({}, 'a background run failed')
  logger.info({}, 'synced')
  logger.debug({}, 'still away')
  await told()
  expect(heard.map(({ code, message, detail }) => ({ code, message, detail }))).toEqual([
    { code: 'THERMOCLINE_WARNING', message: 'Redis may evict', detail: '{"policy":"allkeys-lru"}' },
    { code: 'THERMOCLINE_ERROR', message: 'a background run failed', detail: '' },
  ])
})

test('silence has to be asked for', async () => {
  const { logger } = resolveOptions({ logger: false })
  expect(logger).toBe(silentLogger)
  logger.warn({}, 'nobody hears of it')
  await told()
  expect(heard).toEqual([])
  expect(() => resolveOptions({ logger: true as never })).toThrow(
    '`logger`: a logger with debug, info, warn and error, or false',
  )
})

test('what was told is not kept without bound', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => emitWarning.mockRestore())
  const { logger } = resolveOptions()
  const tell = (nth: number): void => logger.warn({}, `warning ${nth}`)
  for (let nth = 0; nth < 1_000; nth++) tell(nth)
  tell(999)
  expect(emitWarning).toHaveBeenCalledTimes(1_000)
  // Too many to keep: one may be told again.
  for (let nth = 1_000; nth < 2_000; nth++) tell(nth)
  tell(0)
  expect(emitWarning).toHaveBeenCalledTimes(2_001)
})

test('a warning whose fields cannot be put in words fails nobody', async () => {
  const { logger } = resolveOptions()
  expect(() => logger.warn({ bytes: 1n }, 'a number beyond JSON')).not.toThrow()
})
