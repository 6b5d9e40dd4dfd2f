/** Threads that begin before it is known whether the store can be opened. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { placePglite } from '../../src/cold/pglite/start-pglite.ts'
import { compiled } from '../tools/compiled.ts'

const CHILD = compiled(join(import.meta.dirname, 'early-threads-child.ts'))

it('end with an opening that is refused, and the process with them', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-early-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, dir], { timeout: 60_000 })
  expect(JSON.parse(stdout)).toEqual({
    codes: ['ERR_LOCKED', 'ERR_INVALID_OPTIONS', 'ERR_INVALID_OPTIONS'],
    threads: [],
  })
})

it('are replaced where they came to nothing before they were needed', async () => {
  const spawned = PgliteClient.spawn()
  await spawned.terminate()
  const { started } = await placePglite({ dir: undefined, migrate: 'auto' }, spawned)
  const client = await started
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await client.close()
})
