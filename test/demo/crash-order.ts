/** What the demo and the children that it kills must agree on. */
import type { StoredChunk } from './demo-chunk.ts'
import type { DemoServers } from './store.ts'

/** Goes to the child's stdin as JSON. */
export interface CrashOrder {
  readonly dir: string
  readonly servers?: DemoServers | undefined
  /** Number of the child. */
  readonly writer: number
  /** Put in turn, again and again. */
  readonly chunks: readonly CrashChunk[]
}

/** The embedding as an array, since JSON has no other. */
export type CrashChunk = Omit<StoredChunk, 'embedding' | 'id'> & { readonly embedding: readonly number[] }

/** The key under which a child puts its `n`th entry. */
export function crashKey(writer: number, n: number): string {
  return `crash#${writer}#${n}`
}

/** What a child says before a put, and after its acknowledgement. */
export const sayTry = (n: number): string => `try ${n};`
export const sayAcknowledged = (n: number, id: string): string => `ack ${n} ${id};`

/** `id` is undefined for a put that has only begun; the whole undefined for a line that was cut off. */
export function parseSaying(line: string): { readonly n: number; readonly id: string | undefined } | undefined {
  const match = /^(?:try (\d+)|ack (\d+) (\S+));$/.exec(line)
  return match === null ? undefined : { n: Number(match[1] ?? match[2]), id: match[3] }
}
