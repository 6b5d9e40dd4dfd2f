/** Records that are appended together have one promise, and each an outcome of its own. */
import { expect, it } from 'vitest'
import { ThermoclineError } from '../../src/errors.ts'
import { MAX_PAYLOAD_BYTES } from '../../src/wal/format.ts'
import type { AppendOutcome, NewRecord } from '../../src/wal/log-contract.ts'
import { Device, FULL, failNth } from './intercepted-device.ts'
import { createLog, payloadOf, reopenLog, temporaryFolder } from './temporary-log.ts'

const recordOf = (n: number, payload: Uint8Array = payloadOf(n)): NewRecord<number> => ({
  type: 'put',
  payload,
  keyHash: n,
  value: n,
})

/** The value of what is durable, the code of what failed. */
function told(outcomes: readonly AppendOutcome<number>[]): (number | string)[] {
  return outcomes.map((outcome) => (outcome instanceof ThermoclineError ? outcome.code : outcome.value))
}

it('keeps those around one that is refused', async () => {
  const dir = await temporaryFolder()
  const log = await createLog({ dir })
  const outcomes = await log.appendAll([recordOf(1), recordOf(2, new Uint8Array(MAX_PAYLOAD_BYTES + 1)), recordOf(3)])
  expect(told(outcomes)).toEqual([1, 'ERR_INVALID_ENTRY', 3])
  expect(outcomes.map((outcome) => ('sequence' in outcome ? outcome.sequence : undefined))).toEqual([1, undefined, 2])
  await log.close()
  expect((await reopenLog({ dir })).records.map(({ payload }) => Buffer.from(payload).readUInt32LE())).toEqual([1, 3])
})

it('says of each what became of it where groups part them and one of these finds the disk full', async () => {
  const dir = await temporaryFolder()
  const device = new Device()
  const log = await createLog({ dir, openDevice: device.open, segmentBytes: 100_000_000 })
  device.intercept = failNth('expect-room', 2, FULL)
  const large = [1, 2, 3, 4, 5].map((n) => recordOf(n, payloadOf(n, n < 4 ? 5_000_000 : 100)))
  const outcomes = await log.appendAll(large)
  expect(told(outcomes)).toEqual([1, expect.any(String), 3, 4, 5])
  expect(outcomes[1]).toMatchObject({ details: { outcome: 'none' } })
  device.intercept = () => undefined
  await log.close()
  expect((await reopenLog({ dir })).records.map(({ payload }) => Buffer.from(payload).readUInt32LE())).toEqual([
    1, 3, 4, 5,
  ])
})

it('puts groups of any sizes together one after the other, and each is what is read back', async () => {
  const dir = await temporaryFolder()
  const log = await createLog({ dir, segmentBytes: 100_000_000 })
  const sizes = [3, 40_000, 7, 3_000_000, 1, 2_097_105, 64, 65]
  for (const [n, size] of sizes.entries()) await log.appendAll([recordOf(n, payloadOf(n, size)), recordOf(100 + n)])
  await log.close()
  const { records } = await reopenLog({ dir })
  const expected = sizes.flatMap((size, n) => [payloadOf(n, size), payloadOf(100 + n)])
  expect(records.map(({ payload }, i) => Buffer.compare(payload, expected[i]!))).toEqual(expected.map(() => 0))
})

it('of nothing is done at once', async () => {
  const log = await createLog({ dir: await temporaryFolder() })
  expect(await log.appendAll([])).toEqual([])
})

it('are all refused by a log that is closed', async () => {
  const log = await createLog({ dir: await temporaryFolder() })
  await log.close()
  expect(told(await log.appendAll([recordOf(1), recordOf(2)]))).toEqual(['ERR_CLOSED', 'ERR_CLOSED'])
})
