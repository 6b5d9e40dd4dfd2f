/** For tests that simulate what a disk keeps: there real syncs only cost time. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const SHARED_MEMORY = '/dev/shm'

/** In memory where that can be. Removed with the test. */
export async function volatileFolder(): Promise<string> {
  const dir = await mkdtemp(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'thermocline-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}
