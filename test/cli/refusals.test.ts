/** What a command refuses to touch stays as it was: what had been written before is all there afterwards. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { raiseFormat, segmentFiles } from '../fault/damage-log.ts'
import { editDatabase, NEWER_MIGRATION, WITHOUT_NEWER_MIGRATION } from '../fault/edit-database.ts'
import { longTest, someOf } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runCli } from './run-cli.ts'
import { missingIn, startWriter, writeAndKill } from './written-folder.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** Changes a file by `edit` and answers how to put it back. */
async function change(file: string, edit: (file: string) => Promise<void>): Promise<() => Promise<void>> {
  const before = await readFile(file)
  await edit(file)
  return () => writeFile(file, before)
}

/** Each makes a folder one of a later version, and answers how to undo that. */
const NEWER: Record<string, (dir: string) => Promise<() => Promise<void>>> = {
  'data folder': (dir) =>
    change(join(dir, 'thermocline.json'), (file) => writeFile(file, JSON.stringify({ format: 99 }))),
  'log segment': async (dir) => change((await segmentFiles(dir)).at(-1)!, raiseFormat),
  database: async (dir) => {
    await editDatabase(dir, NEWER_MIGRATION)
    return () => editDatabase(dir, WITHOUT_NEWER_MIGRATION)
  },
}

describe.each(someOf(Object.entries(NEWER)))('a %s of a newer format', (name, makeNewer) => {
  longTest('is refused by every command, and left as it is', async () => {
    const dir = await template.copy()
    const ids = await writeAndKill(dir, 10, 2)
    const putBack = await makeNewer(dir)
    const commands = name === 'database' ? ['sync', 'recover', 'migrate'] : ['sync', 'recover', 'inspect']
    for (const command of someOf(commands)) expectRefusal(await runCli([command, '--dir', dir]), 1, /upgrade/)
    await putBack()
    expect(await missingIn(dir, ids)).toEqual([])
  })
})

test('a second opener is told who has the folder', async () => {
  const dir = await template.copy()
  const writer = startWriter(dir, 10, 2)
  await writer.printed(/done/)
  const config = join(dir, 'impatient.json')
  await writeFile(config, JSON.stringify({ wal: { lockTimeout: 0 } }))
  for (const command of someOf(['sync', 'recover', 'migrate'])) {
    const result = await runCli([command, '--dir', dir, '--config', config])
    expectRefusal(result, 4, new RegExp(`${writer.child.pid}.*ERR_LOCKED`))
  }
  const ids = await writer.kill()
  expect(ids.length).toBe(20)
  expect(await missingIn(dir, ids)).toEqual([])
})
