/** What the demo and the child that it kills must agree on. */
import type { StoredChunk } from './demo-chunk.ts'

/** Goes to the child's stdin as JSON. */
export interface CrashOrder {
  readonly dir: string
  /** Put in turn, again and again. */
  readonly chunks: readonly CrashChunk[]
}

/** The embedding as an array, since JSON has no other. */
export type CrashChunk = Omit<StoredChunk, 'embedding' | 'id'> & { readonly embedding: readonly number[] }

/** The key under which the child puts its `n`th entry. */
export function crashKey(n: number): string {
  return `crash#${n}`
}

/** What the child says before a put, and after its acknowledgement. */
export const sayTry = (n: number): string => `try ${n};`
export const sayAcknowledged = (n: number, id: string): string => `ack ${n} ${id};`

/** `id` is undefined for a put that has only begun; the whole undefined for a line that was cut off. */
export function parseSaying(line: string): { readonly n: number; readonly id: string | undefined } | undefined {
  const match = /^(?:try (\d+)|ack (\d+) (\S+));$/.exec(line)
  return match === null ? undefined : { n: Number(match[1] ?? match[2]), id: match[3] }
}
