import { readdir, stat } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { Housekeeping } from '../../../src/cold/pglite/pglite-housekeeping.ts'
import { LogText } from '../../../src/testkit/contract/fresh-cold-tier.ts'
import { longTest } from '../../tools/budget.ts'
import { PgliteTemplate } from './pglite-template.ts'

const template = new PgliteTemplate()
let dir: string
let client: PgliteClient
beforeAll(async () => {
  await template.make()
  dir = `${await template.copy()}/data`
  client = await PgliteClient.start(dir)
})
afterAll(async () => {
  await client.close()
  await template.remove()
})

const logger = new LogText()
const commands: string[] = []
beforeEach(() => {
  commands.length = 0
})

/** What a new one does about these events, until it has nothing more to do. */
async function run(housekeeping: Housekeeping, after: 'write' | 'sweep'): Promise<string[]> {
  housekeeping.start(after)
  await housekeeping.settled()
  return commands.splice(0).filter((command) => !command.startsWith('SELECT'))
}

function housekeeping(): Housekeeping {
  return new Housekeeping(async (text, params) => {
    commands.push(text)
    return (await client.query(text, params)).rows
  }, logger)
}

/** Two kilobytes a row. */
const writeRows = (count: number): string => `
  INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, created_at, updated_at)
  SELECT 'ns', gen_random_uuid(), lpad(to_hex(n), 24, '0'), 'chunk', repeat(md5(n::text), 58), now(), now()
  FROM generate_series(1, ${count}) AS n`

it('vacuums and analyses a table after a sweep when a good share of it changed', async () => {
  const keeper = housekeeping()
  expect(await run(keeper, 'sweep')).toEqual([])
  await client.exec(writeRows(1_000))
  const [clear, toast, ...others] = await run(keeper, 'sweep')
  expect(clear).toContain('INDEX_CLEANUP OFF')
  expect(toast).toMatch(/^VACUUM pg_toast\.pg_toast_\d+$/)
  expect(others).toEqual([])
  expect(await run(keeper, 'sweep')).toEqual([])
  await client.exec(`UPDATE thermocline.memory_entries SET position = 1`)
  expect(await run(keeper, 'write')).toEqual([])
  expect(await run(keeper, 'sweep')).toEqual([clear, toast])
})

longTest('checkpoints as the log of Postgres grows, so that its folder does not', async () => {
  const keeper = housekeeping()
  const sizes: number[] = []
  expect(await run(keeper, 'write')).toEqual([])
  for (let round = 0; round < 3; round++) {
    await client.exec(writeRows(45_000))
    expect(await run(keeper, 'write')).toEqual(['CHECKPOINT'])
    expect(await run(keeper, 'write')).toEqual([])
    sizes.push(await megabytesOf(`${dir}/pg_wal`))
  }
  // Without checkpoints it would be more than 270 by now, and never less again.
  expect(Math.max(...sizes)).toBeLessThan(250)
  expect(logger.lines).toEqual([])
})

it('vacuums staging once enough rows went through it', async () => {
  const keeper = housekeeping()
  keeper.staged(10 * 1024 * 1024)
  expect(await run(keeper, 'write')).toEqual([])
  keeper.staged(10 * 1024 * 1024)
  expect(await run(keeper, 'write')).toEqual(['VACUUM thermocline.entry_staging'])
  expect(await run(keeper, 'write')).toEqual([])
})

it('logs what fails and goes on with the next writes', async () => {
  const broken = new Housekeeping((text) => client.query(`${text} nonsense`).then(({ rows }) => rows), logger)
  broken.start('write')
  await broken.settled()
  expect(logger.lines.splice(0)).toEqual([expect.stringContaining('"code":"42601"')])
  const keeper = housekeeping()
  await keeper.stop()
  expect(await run(keeper, 'sweep')).toEqual([])
})

async function megabytesOf(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) bytes += (await stat(`${folder}/${name}`)).size
  return bytes / 1e6
}
