import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type LogOperation, WorkerLogDevice } from '../../src/wal/log-device.ts'
import { temporaryFolder } from './temporary-log.ts'

it('moves a group to its thread instead of copying it, but nothing whose buffer others use', async () => {
  const dir = await temporaryFolder()
  const device = await WorkerLogDevice.open(dir)
  onTestFinished(() => device.close())
  const group = Buffer.allocUnsafeSlow(100_000).fill('g')
  const part = Buffer.allocUnsafeSlow(100_000).fill('p').subarray(0, 50_000)
  const small = Buffer.from('small')
  const writes = [group, part, small].map(
    (bytes, n): LogOperation => ({ op: 'write', handle: 'file', bytes, position: n * 100_000 }),
  )
  expect(await device.run([{ op: 'create', name: 'file', handle: 'file' }, ...writes])).toBeUndefined()
  expect([group, part, small].map(({ byteLength }) => byteLength)).toEqual([0, 50_000, 5])
  const expected = Buffer.concat([Buffer.alloc(100_000, 'g'), part, Buffer.alloc(50_000), small])
  expect(expected.equals(await readFile(join(dir, 'file')))).toBe(true)
})
