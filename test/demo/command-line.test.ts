import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compiled } from '../tools/compiled.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thermocline-demo-test-'))
  for (const name of ['none', 'blank', 'temporary']) await mkdir(join(folder, name))
  await writeFile(join(folder, 'none', 'file.txt'), 'no Markdown')
  await writeFile(join(folder, 'blank', 'blank.md'), '\n\n')
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs the demo with a folder for temporary files of its own. */
function demo(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, TMPDIR: join(folder, 'temporary') }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [compiled(MAIN), ...args], { env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

test.each([
  ['a folder that is not there', 'missing', 'is no folder that can be read: name one'],
  ['a file', 'none/file.txt', 'is no folder that can be read: name one'],
  ['a folder without Markdown', 'none', 'has no Markdown (*.md): name a folder that has some'],
  ['Markdown without text', 'blank', 'has no text: name a folder whose Markdown has some'],
])('refuses %s with exit code 2 and one line that names the remedy', async (_, name, remedy) => {
  const { code, stdout, stderr } = await demo(join(folder, name))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^demo: [^\n]*\n$/)
  expect(stderr).toContain(remedy)
  const left = await readdir(join(folder, 'temporary'))
  expect(left.filter((each) => each.startsWith('thermocline'))).toEqual([])
})

test.each([
  ['an unknown option', ['--frobnicate'], "unknown option '--frobnicate'"],
  ['two folders', ['a', 'b'], 'too many arguments'],
])('refuses %s with exit code 2 and one line that names --help', async (_, args, fault) => {
  const { code, stdout, stderr } = await demo(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^demo: [^\n]*: see `npm run demo -- --help`\n$/)
  expect(stderr).toContain(fault)
})

test('--help explains and exits 0', async () => {
  const { code, stdout, stderr } = await demo('--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('[FOLDER]')
  expect(stdout).toContain('--keep')
})
