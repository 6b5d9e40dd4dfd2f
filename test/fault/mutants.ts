/**
 * `npm run mutants [NAME…]`: takes one promise out of the code at a time, and sees whether a test notices.
 *
 * Each patch in `mutants/` says what it breaks and, behind `Suites:`, where that must be noticed. It is applied to a
 * copy of the repository, and a test that passed there before must fail with it. Exits 1 when one survives or does not
 * apply.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const PATCHES = join(import.meta.dirname, 'mutants')
const COPIED = ['src', 'test', 'drizzle', 'package.json', 'tsconfig.json', 'vitest.config.ts']
/** The same moments in every run, so that a mutant that dies once dies always. */
const SEEDED = { ...process.env, FAULT_SEED: '1', FAULT_RUNS: '60' }

interface Mutant {
  readonly name: string
  readonly patch: string
  readonly breaks: string
  readonly suites: readonly string[]
}

interface Results {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

async function readMutants(names: readonly string[]): Promise<Mutant[]> {
  const files = (await readdir(PATCHES)).filter((file) => file.endsWith('.patch')).sort()
  const mutants = files.map(async (file) => {
    const patch = join(PATCHES, file)
    const text = await readFile(patch, 'utf8')
    const [breaks, suites] = text.split('\n')
    return {
      name: file.replace('.patch', ''),
      patch,
      breaks: breaks!,
      suites: suites!.replace('Suites: ', '').split(' '),
    }
  })
  return (await Promise.all(mutants)).filter(({ name }) => names.length === 0 || names.includes(name))
}

/** Names of the tests that fail, twice in a row: chance kills no mutant. */
async function failures(copy: string, suites: readonly string[]): Promise<string[]> {
  const results = join(copy, 'results.json')
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', '--retry=1', '--reporter=json', `--outputFile=${results}`, ...suites]
  const child = spawn(process.execPath, args, { cwd: copy, env: SEEDED, stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  const { testResults } = JSON.parse(await readFile(results, 'utf8')) as Results
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  )
  if (code !== 0 && failed.length === 0) return testResults.map(({ message }) => message).filter((text) => text !== '')
  return failed
}

/** What is made of the sources follows them. */
function embed(copy: string): void {
  execFileSync(process.execPath, ['--import', 'tsx', 'src/build/embed.ts'], { cwd: copy, stdio: 'pipe' })
}

/** Answers whether it was killed. */
async function tryMutant(
  copy: string,
  { name, patch, breaks, suites }: Mutant,
  broken: readonly string[],
): Promise<boolean> {
  try {
    // Some lines around may have changed since the patch was made.
    execFileSync('git', ['apply', '-C1', patch], { cwd: copy, stdio: 'pipe' })
    embed(copy)
  } catch {
    console.log(`DOES NOT APPLY  ${name}: make the patch anew`)
    return false
  }
  const killer = (await failures(copy, suites)).find((test) => !broken.includes(test))
  execFileSync('git', ['apply', '-C1', '--reverse', patch], { cwd: copy, stdio: 'pipe' })
  embed(copy)
  if (killer === undefined) console.log(`SURVIVED  ${name}: ${breaks}`)
  else console.log(`killed  ${name}: ${breaks}\n  by: ${killer.split('\n')[0]}`)
  return killer !== undefined
}

const mutants = await readMutants(process.argv.slice(2))
const copy = await mkdtemp(join(tmpdir(), 'thermocline-mutants-'))
try {
  for (const name of COPIED) await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const suites = [...new Set(mutants.flatMap((mutant) => mutant.suites))]
  const broken = await failures(copy, suites)
  for (const name of broken) console.log(`fails without any mutant, so it kills none: ${name}`)
  let killed = 0
  for (const mutant of mutants) if (await tryMutant(copy, mutant, broken)) killed++
  console.log(`${killed} killed, ${mutants.length - killed} survived`)
  process.exitCode = killed === mutants.length ? 0 : 1
} finally {
  await rm(copy, { recursive: true, force: true })
}
