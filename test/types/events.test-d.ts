import { expectTypeOf } from 'vitest'
import type { MemoryStore, StoreEventMap, TierName } from '../../src/index.ts'

declare const store: MemoryStore

store.on('write', ({ entries }) =>
  expectTypeOf(entries[0]!.kind).toEqualTypeOf<'embedding' | 'chunk' | 'metadata' | 'raptor' | 'blob'>(),
)
store.once('tier-up', ({ tier, awayMs }) => {
  expectTypeOf(tier).toEqualTypeOf<TierName>()
  expectTypeOf(awayMs).toEqualTypeOf<number>()
})
store.on('sync', (sync) => {
  if (sync.ok) expectTypeOf(sync.synced).toEqualTypeOf<number>()
  // @ts-expect-error one that failed has moved nothing
  else sync.synced
})
expectTypeOf(
  store.off('dead-letter', ({ count }: StoreEventMap['dead-letter']) => void count),
).toEqualTypeOf<MemoryStore>()
// @ts-expect-error there is no such event
store.on('wrote', () => {})
// @ts-expect-error a listener of another event
store.on('write', (_: StoreEventMap['expire']) => {})
