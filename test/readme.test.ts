import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { DEFAULTS } from '../src/index.ts'
import { temporaryFolder } from './flow/stores.ts'

const ROOT = join(import.meta.dirname, '..')
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

test('the example runs as it stands and prints what it found', async () => {
  const [, example] = /```ts\n([\s\S]+?)```/.exec(readme)!
  // Beside this file, so that it type-checks like a test and finds what the package exports.
  const file = join(import.meta.dirname, `readme-example-${process.pid}.ts`)
  await writeFile(file, example!.replace("'thermocline'", "'../src/index.ts'"))
  try {
    // By its path: the example runs in a folder without node_modules.
    const tsx = createRequire(import.meta.url).resolve('tsx')
    const child = spawn(process.execPath, ['--import', pathToFileURL(tsx).href, file], { cwd: await temporaryFolder() })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
    const [code] = await once(child, 'close')
    expect(printed).toMatch(/^A thermocline is .+ \{ theme: 'dark' \} 1 0\.9\d+\n$/)
    expect(code).toBe(0)
  } finally {
    await rm(file)
  }
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
