import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { runCli } from './run-cli.ts'

test('makes the database of a folder that --dir names, and does it once', async () => {
  const cwd = await temporaryFolder()
  const first = await runCli(['migrate', '--dir', 'new'], { cwd })
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' })
  expect(first.stdout).toMatch(/the database is up to date\n$/)

  const second = await runCli(['migrate', '--dir', 'new'], { cwd })
  expect(second).toMatchObject({ code: 0, stdout: 'the database is up to date\n', stderr: '' })
  expect(await readdir(join(cwd, 'new'))).toEqual(expect.arrayContaining(['cold', 'thermocline.json']))
})
