/** The examples of a README, run as they stand. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'

export function examplesOf(readme: string): string[] {
  return [...readme.matchAll(/```ts\n([\s\S]+?)```/g)].map(([, code]) => code!)
}

/** Runs it in an empty folder, from a file in `test/`, and answers what it printed; it must end well. */
export async function runExample(code: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  // There it type-checks like a test and finds what the package exports.
  const file = join(import.meta.dirname, '..', `readme-example-${randomUUID()}.ts`)
  await writeFile(file, code)
  try {
    // By its path: the example runs in a folder without node_modules.
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const options = { cwd: await temporaryFolder(), env: { ...process.env, ...env } }
    const child = spawn(process.execPath, ['--import', tsx, file], options)
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
    const [exitCode] = await once(child, 'close')
    expect(exitCode, printed).toBe(0)
    return printed
  } finally {
    await rm(file)
  }
}
