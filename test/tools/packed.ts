/** The package as npm would publish it, and projects that npm installs it into. */
import { execFile } from 'node:child_process'
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { DirectoryLock } from '../../src/kernel/directory-lock.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Answers stdout; a failure shows everything the program printed. */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`))
    })
  })
}

/** The archive of the package: made once for each run of the tests, since building writes to the one `dist`. */
export async function packed(): Promise<string> {
  const folder = join(inject('compiled'), 'packed')
  await mkdir(folder, { recursive: true })
  await using _ = await DirectoryLock.acquire(folder, { timeout: 240_000 })
  const made = await archiveIn(folder)
  if (made !== undefined) return made
  await run('npm', ['pack', '--pack-destination', folder], ROOT)
  return (await archiveIn(folder))!
}

async function archiveIn(folder: string): Promise<string | undefined> {
  const name = (await readdir(folder)).find((file) => file.endsWith('.tgz'))
  return name === undefined ? undefined : join(folder, name)
}

/** Makes a project of ES modules with these files, and installs packages into it. */
export async function makeProject(
  project: string,
  packages: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  await mkdir(project, { recursive: true })
  const manifest = JSON.stringify({ name: 'consumer', private: true, type: 'module' })
  for (const [name, text] of Object.entries({ 'package.json': manifest, ...files }))
    await writeFile(join(project, name), text)
  await install(project, packages)
}

export async function install(project: string, packages: readonly string[]): Promise<void> {
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], project)
}

/** Megabytes of all files below, as `du -sm --apparent-size` counts them. */
export async function megabytesOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(names.map(async (name) => (await lstat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20
}

/**
 * A program: opens a store by the options of each argument, as JSON, and uses it. Prints a line for each, of what went
 * well or of the error.
 */
export const PROGRAM = `
import { openMemoryStore } from 'thermocline'

async function use(options) {
  const store = await openMemoryStore({ logger: false, ...options })
  const { id } = await store.chunks.put({ text: 'kept', embedding: [1, 0, 0] })
  const { hits } = await store.chunks.search({ embedding: [1, 0, 0], k: 1 })
  const entry = await store.chunks.get(id)
  console.log(entry.text, hits.length, (await store.close()).remaining)
}
async function main() {
  for (const options of process.argv.slice(2))
    await use(JSON.parse(options)).catch((error) => console.log(JSON.stringify(error)))
}
main()
`
