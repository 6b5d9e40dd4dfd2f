import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { runAll } from './run-cli.ts'

test('makes the database of a folder that --dir names, and does it once', async () => {
  const cwd = await temporaryFolder()
  const migrate = ['migrate', '--dir', 'new']
  const [first, second] = await runAll([migrate, migrate], { cwd })
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first!.stdout).toMatch(/the database is up to date\n$/)
  expect(second).toMatchObject({ code: 0, stdout: 'the database is up to date\n', stderr: '' })
  expect(await readdir(join(cwd, 'new'))).toEqual(expect.arrayContaining(['cold', 'thermocline.json']))
})
