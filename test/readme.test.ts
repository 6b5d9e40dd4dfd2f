import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { DEFAULTS } from '../src/index.ts'
import { describeWithServers, temporaryFolder } from './flow/stores.ts'

const ROOT = join(import.meta.dirname, '..')
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

const examples = [...readme.matchAll(/```ts\n([\s\S]+?)```/g)].map(([, code]) => code!)

/** Answers what it printed; it must end well. */
async function runExample(nth: number, env: NodeJS.ProcessEnv = {}): Promise<string> {
  // Beside this file, so that it type-checks like a test and finds what the package exports.
  const file = join(import.meta.dirname, `readme-example-${nth}-${process.pid}.ts`)
  await writeFile(file, examples[nth]!.replace("'thermocline'", "'../src/index.ts'"))
  try {
    // By its path: the example runs in a folder without node_modules.
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const options = { cwd: await temporaryFolder(), env: { ...process.env, ...env } }
    const child = spawn(process.execPath, ['--import', tsx, file], options)
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
    const [code] = await once(child, 'close')
    expect({ code, printed }).toMatchObject({ code: 0 })
    return printed
  } finally {
    await rm(file)
  }
}

test('the example runs as it stands and prints what it found', async () => {
  expect(await runExample(0)).toMatch(/^A thermocline is .+ \{ theme: 'dark' \} 1 0\.9\d+\n$/)
})

describeWithServers('the example of Redis and Postgres', (servers) => {
  test('runs as it stands', async () => {
    const { hot, cold } = await servers.shared()
    expect(await runExample(1, { REDIS_URL: hot.url, DATABASE_URL: cold.url })).toBe('shared by every backend\n')
  })

  test('is the last', () => {
    expect(examples.length).toBe(2)
  })
})

test('every option stands in the table', () => {
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (typeof value === 'object' && !['logger', 'clock', 'sync', 'promote'].includes(name))
      for (const inner of Object.keys(value))
        if (inner !== 'kind') expect(readme, `${name}.${inner}`).toContain(`\`${name}.${inner}\``)
    expect(readme).toMatch(new RegExp(`\`${name}[\`.]`))
  }
})

test('every error code has a heading', async () => {
  const source = await readFile(join(ROOT, 'src/errors.ts'), 'utf8')
  const codes = new Set([...source.matchAll(/^ {2}(ERR_[A-Z_]+):/gm)].map(([, code]) => code))
  expect(codes.size).toBeGreaterThan(10)
  const headings = new Set([...readme.matchAll(/^### (ERR_[A-Z_]+)$/gm)].map(([, code]) => code))
  expect([...headings].sort()).toEqual([...codes].sort())
})
