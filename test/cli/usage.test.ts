import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { expectRefusal, runAll, runCli } from './run-cli.ts'

const OPERATING = ['sync', 'recover', 'inspect', 'logs', 'migrate', 'export', 'import', 'erase']
const LOOKING = ['get', 'find', 'search', 'namespaces', 'explain', 'stats', 'studio']
const COMMANDS = [...OPERATING, ...LOOKING, 'mcp', 'dead-letters', 'doctor']
/** What a command needs besides options. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  ...{ export: ['a.ndjson'], import: ['a.ndjson'] },
  erase: ['--namespace', 'tenant', '--all', '--yes'],
  ...{ get: ['--key', 'k', '--namespace', 'a'], explain: ['--key', 'k', '--namespace', 'a'], search: ['words'] },
}

test('every command explains itself with an example and the environment', async () => {
  const results = await runAll(COMMANDS.map((command) => [command, '--help']))
  for (const [nth, command] of COMMANDS.entries()) {
    const { code, stdout, stderr } = results[nth]!
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
    expect(stdout).toContain(`Usage: thermocline ${command}`)
    expect(stdout).toContain(`Example:\n  thermocline ${command}`)
    for (const name of ['REDIS_URL', 'DATABASE_URL', 'THERMOCLINE_DIR']) expect(stdout).toContain(name)
  }
})

test('every command refuses to run where there is no data folder, and makes none', async () => {
  const cwd = await temporaryFolder()
  const results = await runAll(
    COMMANDS.map((command) => [command, ...(ARGUMENTS[command] ?? [])]),
    { cwd },
  )
  for (const result of results) expectRefusal(result, 2, 'pass --dir FOLDER, set THERMOCLINE_DIR')
  expect(await readdir(cwd)).toEqual([])
})

const REFUSED: readonly (readonly [args: readonly string[], remedy: string])[] = [
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
]

test('what is no command line is refused with what to do', async () => {
  const results = await runAll(REFUSED.map(([args]) => args))
  for (const [nth, [args, remedy]] of REFUSED.entries()) {
    expect(results[nth]!.stderr, args.join(' ')).toContain(remedy)
    expectRefusal(results[nth]!, 2, remedy)
  }
})

test('--version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
  expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
})

describe('--config', () => {
  const PASSWORD = 'hunter2-in-the-file'

  const REFUSED = [
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
  ] as const

  test('that is wrong is refused, and no password told', async () => {
    const cwd = await temporaryFolder()
    const files = REFUSED.map((_, nth) => `config-${nth}.mjs`)
    for (const [nth, [, source]] of REFUSED.entries())
      if (source !== undefined) await writeFile(join(cwd, files[nth]!), source)
    await writeFile(join(cwd, 'config.json'), `{ "password": ${PASSWORD}`)
    const recover = (file: string) => ['recover', '--config', file]
    const [json, ...results] = await runAll([[...recover('config.json'), '--verbose'], ...files.map(recover)], { cwd })
    for (const [nth, [what, , remedy]] of REFUSED.entries()) {
      expect(results[nth]!.stderr, what).toContain(remedy)
      expectRefusal(results[nth]!, 2, remedy)
      expect(results[nth]!.stderr).not.toContain(PASSWORD)
    }
    // Of JSON that is none the parser would tell a part.
    expect(json!.code).toBe(2)
    expect(json!.stderr).not.toContain('hunter2')
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
  const inspect = ['inspect', '--dir', dir]
  const [plain, verbose] = await runAll([inspect, [...inspect, '--verbose']])
  expectRefusal(plain!, 2, /a folder stands where a file.*ERR_INVALID_OPTIONS/)
  expect(verbose!.stderr).toMatch(/\n {4}at /)
})
