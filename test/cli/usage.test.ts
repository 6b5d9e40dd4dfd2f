import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { expectRefusal, runCli } from './run-cli.ts'

const COMMANDS = ['sync', 'recover', 'inspect', 'migrate']

describe.each(COMMANDS)('%s', (command) => {
  test('explains itself with an example', async () => {
    const { code, stdout, stderr } = await runCli([command, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`Usage: thermocline ${command}`)
    expect(stdout).toContain(`Example:\n  thermocline ${command}`)
  })

  test('refuses an unknown option', async () => {
    const result = await runCli([command, '--frobnicate'])
    expectRefusal(result, 2, `unknown option '--frobnicate'; see \`thermocline ${command} --help\``)
  })

  test('refuses to run where there is no data folder, and makes none', async () => {
    const cwd = await temporaryFolder()
    expectRefusal(await runCli([command], { cwd }), 2, 'pass --dir FOLDER, set THERMOCLINE_DIR')
    expect(await readdir(cwd)).toEqual([])
  })

  test('refuses a folder that is not there, and does not make it', async () => {
    const cwd = await temporaryFolder()
    const result = await runCli([command], { cwd, env: { THERMOCLINE_DIR: join(cwd, 'missing') } })
    expectRefusal(result, 2, 'is not there: pass another --dir or set THERMOCLINE_DIR')
    expect(await readdir(cwd)).toEqual([])
  })
})

test.each(['sync', 'recover', 'inspect'])(
  '%s refuses a --dir that is not there, and one that is no data folder',
  async (command) => {
    const cwd = await temporaryFolder()
    expectRefusal(await runCli([command, '--dir', 'missing'], { cwd }), 2, 'the data folder missing is not there')
    expectRefusal(await runCli([command, '--dir', '.'], { cwd }), 2, 'holds no thermocline.json: pass another --dir')
    expect(await readdir(cwd)).toEqual([])
  },
)

test.each([
  [[], 'name a command: sync, recover, inspect, migrate'],
  [['frobnicate'], "unknown command 'frobnicate'; see `thermocline --help`"],
  [['--frobnicate'], "unknown option '--frobnicate'; see `thermocline --help`"],
  [['recover', '--dir'], "option '--dir <folder>' argument missing; see `thermocline recover --help`"],
  [['recover', '--accept-los'], '(Did you mean --accept-loss?); see `thermocline recover --help`'],
  [['recover', 'folder'], 'see `thermocline recover --help`'],
])('refuses %j', async (args, remedy) => {
  expectRefusal(await runCli(args), 2, remedy)
})

test('--version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
  expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
})

describe('--config', () => {
  const PASSWORD = 'hunter2-in-the-file'

  test.each([
    ['a file that is not there', undefined, 'is not there: check --config'],
    [
      'a module that does not load',
      `throw new Error('${PASSWORD}')`,
      'must be an ES module (.js, .mjs) that loads by itself',
    ],
    ['a module without a default export', `export const password = '${PASSWORD}'`, 'default export'],
    ['an option that there is not', `export default { password: '${PASSWORD}' }`, 'there is no option `password`'],
    ['a value that is wrong', `export default { durability: '${PASSWORD}' }`, '`durability`'],
    ['a store in memory', 'export default { inMemory: true }', 'inMemory'],
  ])('refuses %s', async (_, source, remedy) => {
    const cwd = await temporaryFolder()
    if (source !== undefined) await writeFile(join(cwd, 'config.mjs'), source)
    const result = await runCli(['recover', '--config', 'config.mjs'], { cwd })
    expectRefusal(result, 2, remedy)
    expect(result.stderr).not.toContain(PASSWORD)
  })

  test('refuses JSON that is none', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, 'config.json'), `{ "password": ${PASSWORD}`)
    const result = await runCli(['recover', '--config', 'config.json', '--verbose'], { cwd })
    expect(result.code).toBe(2)
    expect(result.stderr).not.toContain('hunter2')
  })
})

test('servers that this version cannot use are not passed over in silence', async () => {
  const result = await runCli(['recover'], { env: { DATABASE_URL: 'postgres://user:hunter2@127.0.0.1/app' } })
  expectRefusal(result, 1, 'DATABASE_URL asks for a server')
  expect(result.stderr).not.toContain('hunter2')
})

test('a failure of the file system is one line, and --verbose says where it came from', async () => {
  const dir = await temporaryFolder()
  await mkdir(join(dir, 'thermocline.json'))
  expectRefusal(await runCli(['inspect', '--dir', dir]), 1, /EISDIR.*--verbose/)
  expect((await runCli(['inspect', '--dir', dir, '--verbose'])).stderr).toMatch(/\n {4}at /)
})
