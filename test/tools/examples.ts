/** The examples of a README, run as they stand. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { transform } from 'esbuild'
import { expect } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { asCompiled, compiled } from './compiled.ts'

export function examplesOf(readme: string): string[] {
  return [...readme.matchAll(/```ts\n([\s\S]+?)```/g)].map(([, code]) => code!)
}

/** Runs it in an empty folder, as if it lay in `test/`, and answers what it printed; it must end well. */
export async function runExample(code: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  // Beside the compiled tests: loading our TypeScript anew would cost each example seconds.
  const file = compiled(join(import.meta.dirname, '..', `readme-example-${randomUUID()}.ts`))
  const { code: script } = await transform(code, { loader: 'ts', target: 'node20' })
  await writeFile(file, asCompiled(script))
  try {
    const options = { cwd: await temporaryFolder(), env: { ...process.env, ...env } }
    const child = spawn(process.execPath, [file], options)
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
    const [exitCode] = await once(child, 'close')
    expect(exitCode, printed).toBe(0)
    return printed
  } finally {
    await rm(file)
  }
}
