import { afterAll, beforeAll } from 'vitest'
import { SHIP_LIMITS } from '../../src/recovery/batch-limits.ts'

/** What this suite recovers is shipped in small batches, so that a short log has several. */
export function shipInSmallBatches(): void {
  const usual = { ...SHIP_LIMITS }
  beforeAll(() => void Object.assign(SHIP_LIMITS, { rows: 20, bytes: 1024 * 1024 }))
  afterAll(() => void Object.assign(SHIP_LIMITS, usual))
}
