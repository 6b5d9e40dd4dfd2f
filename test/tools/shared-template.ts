/** Folders that any suite copies: the first that asks for one makes it, for all processes of the run. */
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names the folder that has them. */
const TEMPLATES = 'THERMOCLINE_TEST_TEMPLATES'

/** For every process that this one starts; answers how to remove all of them. */
export async function keepTemplates(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'thermocline-templates-'))
  process.env[TEMPLATES] = folder
  return () => rm(folder, { recursive: true, force: true })
}

/** Nobody may change what is in it. */
export async function sharedTemplate(name: string, make: (dir: string) => Promise<void>): Promise<string> {
  const path = join(process.env[TEMPLATES]!, name)
  if (existsSync(path)) return path
  const own = `${path}-${process.pid}`
  await make(own)
  // Where another process was faster, its folder stays.
  await rename(own, path).catch(() => rm(own, { recursive: true }))
  return path
}
