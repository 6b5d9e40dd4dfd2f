import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type LogOperation, WorkerLogDevice } from '../../src/wal/log-device.ts'
import { temporaryFolder } from './temporary-log.ts'

it('writes what stands in memory that it shares, and in memory of which it gets a copy', async () => {
  const dir = await temporaryFolder()
  const device = await WorkerLogDevice.open(dir)
  onTestFinished(() => device.close())
  const shared = Buffer.from(new SharedArrayBuffer(100_000), 1_000, 90_000)
  const part = Buffer.allocUnsafeSlow(100_000).fill('p').subarray(0, 50_000)
  const writes = (): LogOperation[] =>
    [shared, part].map((bytes, n) => ({ op: 'write', handle: 'file', bytes, position: n * 100_000 }))
  shared.fill('a')
  expect(await device.run([{ op: 'create', name: 'file', handle: 'file' }, ...writes()])).toBeUndefined()
  // Its own again, once it was answered.
  shared.fill('b')
  expect(await readFile(join(dir, 'file'), 'latin1')).toBe(
    `${'a'.repeat(90_000)}${'\0'.repeat(10_000)}${'p'.repeat(50_000)}`,
  )
  expect(await device.run(writes())).toBeUndefined()
  expect((await readFile(join(dir, 'file'), 'latin1')).slice(0, 90_000)).toBe('b'.repeat(90_000))
})
