/**
 * Closing keeps to its deadline whatever does not end, and keeps a folder for as long as something in it is at work.
 */
import { expect, test } from 'vitest'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { openCold } from '../../src/store/open-cold.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { QUIET, temporaryFolder } from '../flow/stores.ts'
import { someOf } from '../tools/budget.ts'
import { recordLines } from '../tools/recorded-lines.ts'

/** A store with one more resource, opened over the database, that ends when it is told to. */
async function openWithHanging(options: MemoryStoreOptions) {
  let end = (_?: Error): void => {}
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error))
  })
  const tiers = {
    openHot,
    openCold: async (...[resolved, folder, releases]: Parameters<typeof openCold>) => {
      const cold = await openCold(resolved, folder, releases)
      releases.push('a resource', () => ended)
      return cold
    },
  }
  return { store: await openMemoryStoreOver(tiers, options), end }
}

test.each(
  someOf([
    ['ends later', undefined, 'info a resource is closed, later than the store'],
    ['fails later', new Error('broken'), 'error closing a resource failed'],
  ]),
)(
  'one release that hangs is named and left, and the folder stays closed to others until it %s',
  async (_, error, last) => {
    const dir = await temporaryFolder()
    const { lines, logger } = recordLines()
    const { store, end } = await openWithHanging({ ...QUIET, dir, logger })
    const { id } = await store.chunks.put({ text: 'x' })
    expect(await store.close({ timeout: '2s' })).toEqual({ shipped: 1, remaining: 0 })
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([
      'error closing did not wait longer for a resource',
      'error closing did not wait longer for the data folder',
    ])
    const open = (lockTimeout: string) => openMemoryStore({ ...QUIET, dir, wal: { lockTimeout } as never })
    await expect(open('1ms')).rejects.toMatchObject({ code: 'ERR_LOCKED' })
    const next = open('20s')
    end(error)
    await using reopened = await next
    expect((await reopened.chunks.get(id))?.text).toBe('x')
    const ended = [last, 'info the data folder is closed, later than the store']
    await expect.poll(() => lines).toEqual(expect.arrayContaining(ended))
  },
)
