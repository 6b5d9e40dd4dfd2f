/**
 * A logger that fails, as one does whose transport is gone, decides nothing: neither a write nor the end of the
 * process.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { Logger } from '../../src/index.ts'
import { resolveOptions } from '../../src/store/resolve-options.ts'
import { GatedTiers } from './gate.ts'

/** Counts what it is told, and fails each time: errors by a promise, the rest at once. */
class FailingLogger implements Logger {
  calls = 0

  debug(): void {
    this.#fail()
  }
  info(): void {
    this.#fail()
  }
  warn(): void {
    this.#fail()
  }
  async error(): Promise<void> {
    this.#fail()
  }

  #fail(): never {
    this.calls++
    throw new Error('the worker has exited')
  }
}

function hearUnhandled(): unknown[] {
  const unhandled: unknown[] = []
  const hear = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', hear)
  onTestFinished(() => void process.off('unhandledRejection', hear))
  return unhandled
}

/** Rejections that nobody handles are told by then. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a logger that fails ends nothing: the store writes, fails in the background, ships and closes', async () => {
  const unhandled = hearUnhandled()
  const logger = new FailingLogger()
  const tiers = new GatedTiers()
  const store = await tiers.open({ logger, wal: { checkpointBytes: 1 } })
  tiers.cold.refuse()
  for (let failures = 0; failures < 2; failures++) {
    const before = logger.calls
    await store.chunks.put({ text: 'kept' })
    await expect.poll(() => logger.calls).toBeGreaterThan(before)
  }
  tiers.cold.allow()
  await store.checkpoint()
  await store.sync()
  expect(await store.chunks.count()).toBe(2)
  tiers.cold.refuse()
  await store.chunks.put({ text: 'left over' })
  expect(await store.close()).toMatchObject({ remaining: 1 })
  await nextTurn()
  expect(unhandled).toEqual([])
})

test('a logger whose methods change, as those of pino do with its level, is called by those it has', () => {
  const lines: string[] = []
  const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const resolved = resolveOptions({ logger }).logger
  logger.info = (_, message) => void lines.push(message)
  resolved.info({}, 'told')
  expect(lines).toEqual(['told'])
})
