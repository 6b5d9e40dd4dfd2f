/** The cases that there are: each file of `test/bench/cases`. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BenchCase } from './bench-case.ts'

const CASES = join(import.meta.dirname, '../cases')

/** Their names, in the order in which they are measured. */
export function caseNames(): string[] {
  return readdirSync(CASES)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

export async function loadCase(name: string): Promise<BenchCase> {
  const loaded = (await import(pathToFileURL(join(CASES, `${name}.ts`)).href)) as { default: BenchCase }
  return loaded.default
}
