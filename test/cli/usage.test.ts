import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { someOf } from '../tools/budget.ts'
import { expectRefusal, runCli } from './run-cli.ts'

const OPERATING = ['sync', 'recover', 'inspect', 'logs', 'migrate', 'export', 'import', 'erase']
const COMMANDS = [...OPERATING, 'get', 'find', 'search', 'namespaces', 'explain', 'stats']
/** What a command needs besides options. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  ...{ export: ['a.ndjson'], import: ['a.ndjson'] },
  erase: ['--namespace', 'tenant', '--all', '--yes'],
  ...{ get: ['--key', 'k', '--namespace', 'a'], explain: ['--key', 'k', '--namespace', 'a'], search: ['words'] },
}

describe.each(someOf(COMMANDS, 2))('%s', (command) => {
  test('explains itself with an example and the environment', async () => {
    const { code, stdout, stderr } = await runCli([command, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`Usage: thermocline ${command}`)
    expect(stdout).toContain(`Example:\n  thermocline ${command}`)
    for (const name of ['REDIS_URL', 'DATABASE_URL', 'THERMOCLINE_DIR']) expect(stdout).toContain(name)
  })

  test('refuses to run where there is no data folder, and makes none', async () => {
    const cwd = await temporaryFolder()
    expectRefusal(
      await runCli([command, ...(ARGUMENTS[command] ?? [])], { cwd }),
      2,
      'pass --dir FOLDER, set THERMOCLINE_DIR',
    )
    expect(await readdir(cwd)).toEqual([])
  })
})

test.each([
  [[], `name a command: ${COMMANDS.join(', ')}`],
  [['frobnicate'], "unknown command 'frobnicate'; see `thermocline --help`"],
  [['--frobnicate'], "unknown option '--frobnicate'; see `thermocline --help`"],
  [['recover', '--dir'], "option '--dir <folder>' argument missing; see `thermocline recover --help`"],
  [['recover', '--accept-los'], '(Did you mean --accept-loss?); see `thermocline recover --help`'],
  [['recover', 'folder'], 'see `thermocline recover --help`'],
  [['export'], "missing required argument 'file'; see `thermocline export --help`"],
  [['export', 'a.ndjson', '--where', '{kind:chunk}'], '--where is no JSON: quote it for the shell'],
  [['import', 'a.ndjson', '--on-conflict', 'merge'], 'Allowed choices are fail, skip, newer, overwrite'],
  [['erase', '--all'], "required option '--namespace <path>' not specified; see `thermocline erase --help`"],
  [['erase', '--namespace', 'a', '--all', '--id', 'b', '--yes'], 'in one way: --id or --key, --where, or --all'],
  [['erase', '--namespace', 'a', '--key', 'b', '--recursive', '--yes'], '--recursive goes with --where or --all'],
  [['get', 'x'], "required option '--namespace <path>' not specified; see `thermocline get --help`"],
  [['find', '--limit', '0'], '--limit is a whole number above 0'],
  [['logs', 'retire'], "missing required argument 'id'; see `thermocline logs --help`"],
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

test('a server in the environment without the other is one line that says what to set', async () => {
  const cwd = await temporaryFolder()
  const result = await runCli(['sync'], { cwd, env: { DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:1/app' } })
  expectRefusal(result, 2, '`hot.url` or REDIS_URL')
  expect(result.stderr).not.toContain('hunter2')
  expect(await readdir(cwd)).toEqual([])
})

test('a folder that cannot be used is one line, and --verbose says where it came from', async () => {
  const dir = await temporaryFolder()
  await mkdir(join(dir, 'thermocline.json'))
  expectRefusal(await runCli(['inspect', '--dir', dir]), 2, /a folder stands where a file.*ERR_INVALID_OPTIONS/)
  expect((await runCli(['inspect', '--dir', dir, '--verbose'])).stderr).toMatch(/\n {4}at /)
})
