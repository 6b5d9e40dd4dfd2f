/** What the processes of a crash suite are told, and what they say. */
import type { NamespacePath, StoredValue, TestedStore } from '../tested-store.ts'

/** What the module of a user exports as `open`: the store over what the folder, or a server, has. */
export type OpenTestedStore = (folder: string) => TestedStore | Promise<TestedStore>

export interface CrashTask {
  /** `write` until it is killed, or `read` all and end. */
  readonly does: 'write' | 'read'
  /** URL of the user's module. */
  readonly module: string
  readonly folder: string
  /** Values of another round are others. */
  readonly round: number
}

export const NAMESPACES: readonly NamespacePath[] = [['left'], ['right']]

/** Each is written by a loop of its own, all at once. */
export const PLACES = NAMESPACES.flatMap((namespace) => ['a', 'b', 'c', 'd'].map((id) => ({ namespace, id })))

/** What a reading process found: of each place, and of each namespace where the store can list. */
export interface Found {
  readonly values: readonly (string | null)[]
  readonly lists: readonly (readonly StoredValue[])[] | null
}

/** Of the n-th write to a place in a round, from 1 on; undefined: it deletes. Of any length up to some kilobytes. */
export function nthValue(place: number, round: number, n: number): string | undefined {
  if (n % 5 === 0) return undefined
  const length = (n * 7_919) % 6_000
  return `${place}.${round}.${n} ${'x'.repeat(length)} end`
}
