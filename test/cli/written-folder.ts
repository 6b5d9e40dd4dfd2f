/** Data folders whose log holds what a process wrote before it was killed. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { type RunningCli, startNode } from './run-cli.ts'

const WRITER = join(import.meta.dirname, 'writer-child.ts')

export interface Writer extends RunningCli {
  /** Kills it with -9 and answers the ids that it had printed as acknowledged. */
  kill(): Promise<string[]>
}

/** Starts a process that puts `group` chunks at a time into the folder, `times` times, and keeps it open. */
export function startWriter(dir: string, group: number, times: number): Writer {
  const writer = startNode(WRITER, [dir, String(group), String(times)])
  const kill = async (): Promise<string[]> => {
    writer.child.kill('SIGKILL')
    const { stdout, stderr, signal } = await writer.result
    expect({ stderr, signal }).toEqual({ stderr: '', signal: 'SIGKILL' })
    // The last line may have been cut.
    return stdout.split('\n').filter((line) => line.length === 36)
  }
  return { ...writer, kill }
}

/** Writes `group` times `times` chunks and is killed; answers their ids. */
export async function writeAndKill(dir: string, group: number, times: number): Promise<string[]> {
  const writer = startWriter(dir, group, times)
  await writer.printed(/done/)
  const ids = await writer.kill()
  expect(ids.length).toBe(group * times)
  return ids
}

/** Ids of these that the store does not have. */
export async function missingIn(dir: string, ids: readonly string[]): Promise<string[]> {
  const store = await openMemoryStore({ dir, sync: false })
  try {
    const entries = await store.chunks.getMany(ids)
    return ids.filter((_, i) => entries[i] === undefined)
  } finally {
    await store.close()
  }
}
