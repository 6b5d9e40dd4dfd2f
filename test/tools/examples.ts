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
  const [printed] = await runExamples([code], env)
  return printed!
}

/** Runs one after the other in one process, which loads our code once, each in a folder of its own, as above. */
export async function runExamples(codes: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const end = randomUUID()
  const files = await Promise.all(codes.map(writeExample))
  const all = compiled(inTests(`readme-examples-${end}.ts`))
  const folder = await temporaryFolder()
  const steps = files.map((file, nth) => {
    const own = join(folder, `${nth}`)
    return `mkdirSync(${q(own)}); process.chdir(${q(own)}); await import(${q(file)}); console.log(${q(end)})`
  })
  await writeFile(all, ["import { mkdirSync } from 'node:fs'", ...steps].join('\n'))
  try {
    const child = spawn(process.execPath, [all], { env: { ...process.env, ...env } })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
    const [exitCode] = await once(child, 'close')
    expect(exitCode, printed).toBe(0)
    return printed.split(`${end}\n`).slice(0, -1)
  } finally {
    await Promise.all([all, ...files].map((file) => rm(file)))
  }
}

/**
 * Writes examples whose first lines name their files, for {@link ./child-vitest.ts}. Answers the compiled file of the
 * last.
 */
export async function writeSuites(codes: readonly string[]): Promise<string> {
  let file = ''
  for (const code of codes) {
    const [, name] = code.match(/^\/\/ (\S+\.ts)\n/)!
    const { code: script } = await transform(code, { loader: 'ts', target: 'node20' })
    file = compiled(inTests(name!))
    await writeFile(file, asCompiled(script).replaceAll(/(new URL\("[^"]+)\.ts"/g, '$1.js"'))
  }
  return file
}

const q = JSON.stringify
const inTests = (name: string): string => join(import.meta.dirname, '..', name)

/** Beside the compiled tests: loading our TypeScript anew would cost seconds. */
async function writeExample(code: string): Promise<string> {
  const file = compiled(inTests(`readme-example-${randomUUID()}.ts`))
  const { code: script } = await transform(code, { loader: 'ts', target: 'node20' })
  await writeFile(file, asCompiled(script))
  return file
}
