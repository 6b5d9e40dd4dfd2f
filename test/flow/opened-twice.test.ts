/**
 * One folder, opened again in the process that has it: as development servers do, and tests that close without waiting.
 */
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { QUIET, temporaryFolder } from './stores.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** Nobody waits for so long. */
const PATIENT = { ...QUIET, wal: { lockTimeout: '1h' } } as const
const OPEN_ALREADY = {
  code: 'ERR_LOCKED',
  details: { pid: process.pid },
  message: expect.stringMatching(/this process has the data folder open already.*globalThis/),
}

test('is refused at once, under whatever name and by whatever copy of the library', async () => {
  const dir = await template.copy()
  await using store = await openMemoryStore({ ...PATIENT, dir })
  await store.chunks.put({ text: 'x' })
  await expect(openMemoryStore({ ...PATIENT, dir })).rejects.toMatchObject(OPEN_ALREADY)
  const link = join(await temporaryFolder(), 'link')
  await symlink(dir, link)
  await expect(openMemoryStore({ ...PATIENT, dir: link })).rejects.toMatchObject(OPEN_ALREADY)
  vi.resetModules()
  const copy = await import('../../src/index.ts')
  expect(copy.openMemoryStore).not.toBe(openMemoryStore)
  await expect(copy.openMemoryStore({ ...PATIENT, dir })).rejects.toMatchObject(OPEN_ALREADY)
  // Another data folder over the same database.
  const other = { ...PATIENT, dir: await temporaryFolder(), cold: { dir: join(await template.copy(), 'cold') } }
  await using _ = await openMemoryStore(other)
  const third = { ...other, dir: await temporaryFolder() }
  await expect(openMemoryStore(third)).rejects.toMatchObject(OPEN_ALREADY)
})

test('waits for a store that is closing', async () => {
  const dir = await template.copy()
  const first = await openMemoryStore({ ...PATIENT, dir })
  await first.chunks.put({ key: 'k', text: 'x' })
  const closing = first.close()
  await using second = await openMemoryStore({ ...PATIENT, dir })
  expect((await second.chunks.getByKey('k'))?.text).toBe('x')
  await closing
})

test('waits for one that is opening, and is refused once that is open', async () => {
  const dir = await template.copy()
  const outcomes = await Promise.allSettled([1, 2].map(() => openMemoryStore({ ...PATIENT, dir })))
  const opened = outcomes.filter((outcome) => outcome.status === 'fulfilled')
  for (const { value } of opened) await value.close()
  expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject(OPEN_ALREADY)
  expect(opened).toHaveLength(1)
})
