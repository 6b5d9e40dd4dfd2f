/** Looking for vectors of other models may read every row, so it is done ever less often while nothing changes. */
import { expect, test } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { ThermoclineError } from '../../src/errors.ts'
import { ModelRegistry } from '../../src/sync/model-registry.ts'
import { GatedTiers } from '../flow/gate.ts'
import { QUIET } from '../flow/stores.ts'
import { recordLines } from '../tools/recorded-lines.ts'

const MINUTE = 60_000
const WEEK = 7 * 24 * 60 * MINUTE

test('a model that is named for ever is looked for a few times a week, and at once where somebody asks', async () => {
  const tiers = new GatedTiers()
  await using store = await tiers.open(QUIET)
  let looks = 0
  let isBroken = false
  const cold: Pick<ColdTier, 'registerModel' | 'isModelUsed'> = {
    registerModel: (model) => tiers.cold.tier.registerModel(model),
    isModelUsed: async (model) => {
      looks++
      if (isBroken) throw new ThermoclineError('ERR_TIER_UNAVAILABLE', 'cold is away', { tier: 'cold' })
      return tiers.cold.tier.isModelUsed(model)
    },
  }
  let now = 0
  const models = [
    { model: 'now', dimensions: 2 },
    { model: 'once', dimensions: 2 },
  ] as const
  const registry = new ModelRegistry({ models, cold, logger: recordLines().logger, now: () => now })
  await registry.register()
  const pass = async (ms: number) => {
    for (const end = now + ms; now < end; now += MINUTE) await registry.lookForOthers()
  }
  await pass(7 * MINUTE)
  expect(looks).toBe(2)
  await pass(WEEK)
  expect(looks).toBeLessThan(20)
  isBroken = true
  now += 2 * WEEK
  await expect(registry.lookForOthers()).rejects.toThrow('cold')
  isBroken = false
  const failed = looks
  await pass(7 * MINUTE)
  expect(looks).toBe(failed + 1)
  await store.chunks.put({ key: 'left', text: 'left behind', embedding: [1, 2], embeddingModel: 'once' })
  await store.checkpoint()
  await registry.lookForOthersNow()
  expect(registry.others).toEqual(['once'])
  // What is reported as a fault is looked at again soon: another process may have moved them.
  await pass(2 * 60 * MINUTE)
  await store.chunks.deleteByKey('left')
  await store.checkpoint()
  await pass(7 * MINUTE)
  expect(registry.others).toEqual([])
})

test('whoever has named the model among the former ones is not told to name it', async () => {
  const tiers = new GatedTiers()
  await using store = await tiers.open(QUIET)
  await store.chunks.put({ text: 'left behind', embedding: [1, 2], embeddingModel: 'once' })
  await store.checkpoint()
  const lookFrom = async (...names: ['now', ...string[]]) => {
    const [own, ...rest] = names.map((model) => ({ model, dimensions: 2 }))
    const { lines, logger } = recordLines()
    const registry = new ModelRegistry({ models: [own!, ...rest], cold: tiers.cold.tier, logger })
    await registry.register()
    await registry.lookForOthersNow()
    expect(registry.others).toEqual(['once'])
    return { lines, advice: registry.advice }
  }
  const named = await lookFrom('now', 'once')
  expect(named.lines).toEqual([])
  expect(named.advice).toContain('call `reembed()` to move them')
  const unnamed = await lookFrom('now')
  expect(unnamed.lines).toEqual([expect.stringMatching(/^warn .*name that model in `embed.former`/)])
  expect(unnamed.advice).toContain('name that model in `embed.former`')
})
