/** A file of the log that is ended because what is in it has to go. */
import { describe, expect, it } from 'vitest'
import { BROKEN, Device, FULL, failNth } from './intercepted-device.ts'
import {
  answered,
  appendAll,
  createLog,
  payloadOf,
  range,
  reopenLog,
  segmentsOf,
  sequencesOf,
  temporaryFolder,
} from './temporary-log.ts'

describe('endSegment', () => {
  it('parts what is durable from what comes later, so that no file has both', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir })
    await appendAll(log, range(1, 5))
    const appending = appendAll(log, range(6, 9))
    const sequence = await log.endSegment()
    await appending
    await appendAll(log, range(10, 12))
    expect(sequence).toBeGreaterThanOrEqual(5)
    expect(log.holdsUpTo(sequence)).toBe(true)
    const { segments } = await log.release(sequence)
    expect(segments).toBe(1)
    expect(log.holdsUpTo(sequence)).toBe(false)
    expect(await answered(dir, log)).toEqual(range(sequence + 1, 12))
  })

  it('leaves a log that opens again, also where nothing was written since', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir })
    await appendAll(log, range(1, 5))
    await log.release(await log.endSegment())
    expect(await segmentsOf(dir, log)).toHaveLength(1)
    expect(await log.endSegment()).toBe(5)
    expect(await segmentsOf(dir, log)).toHaveLength(1)
    await log.close()
    const again = await reopenLog({ dir })
    expect(sequencesOf(again.records)).toEqual([])
    await again.log.append('put', payloadOf(6), 6, 6)
    expect(again.log.lastSequence).toBe(6)
  })

  it('is refused by a disk that is full, and by a log that has stopped or is closed', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open })
    await log.append('put', payloadOf(1), 1, 1)
    device.intercept = failNth('create', 1, FULL)
    await expect(log.endSegment()).rejects.toMatchObject({ code: 'ERR_BACKPRESSURE' })
    await log.append('put', payloadOf(2), 2, 2)
    device.intercept = failNth('fdatasync', 1, BROKEN)
    await expect(log.endSegment()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    await expect(log.endSegment()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    await log.close()
    await expect(log.endSegment()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})
