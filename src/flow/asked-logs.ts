/**
 * The logs of other processes, asked to let go of every file that they have when something was erased (rule E5). Their
 * files are their own: each owner does it with its next checkpoint, and cold tells.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ColdTier, RegisteredLog } from '../cold/cold-tier.ts'
import { type Patience, throwIfAborted, withDeadline } from '../kernel/deadline.ts'

type Cold = Pick<ColdTier, 'askCuts' | 'logs'>

export class AskedLogs {
  readonly #cold: Cold
  /** Those that have not done it yet, with the tokens that were asked for since: whoever followed one of them has. */
  readonly #open = new Map<string, Set<string>>()

  private constructor(cold: Cold) {
    this.#cold = cold
  }

  /** Resolves once all logs that cold knows are asked. MUST be called once cold has the tombstones. */
  static async ask(cold: Cold, ownWalId: string): Promise<AskedLogs> {
    const asked = new AskedLogs(cold)
    const token = randomUUID()
    await cold.askCuts(token, ownWalId)
    // One that came since then was empty, or lets go by itself.
    for (const { walId, cutAsked } of await cold.logs())
      if (walId !== ownWalId && cutAsked !== undefined) asked.#open.set(walId, new Set([token]))
    return asked
  }

  /** Returns those that have not let go yet. One that is not registered any more was shipped, and is gone. */
  async look(): Promise<RegisteredLog[]> {
    const logs = await this.#cold.logs()
    const open = logs.filter(({ walId, cutAsked, cutDone }) => {
      const tokens = this.#open.get(walId)
      if (tokens === undefined || (cutDone !== undefined && tokens.has(cutDone))) return false
      // Somebody else asked since, which the owner may do in place of ours.
      if (cutAsked !== undefined) tokens.add(cutAsked)
      return true
    })
    const walIds = new Set(open.map(({ walId }) => walId))
    for (const walId of this.#open.keys()) if (!walIds.has(walId)) this.#open.delete(walId)
    return open
  }
}

/** What {@link untilDone} waits for. */
export interface Look<T> {
  readonly isDone: boolean
  readonly answer: T
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

/** Looks again and again until it is done, or `within` (milliseconds) is over, and returns what it saw last. */
export async function untilDone<T>(
  look: () => Promise<Look<T>>,
  { within, signal }: { readonly within: number; readonly signal: AbortSignal | undefined },
): Promise<T> {
  const end = performance.now() + within
  const patience: Patience = { signal }
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    throwIfAborted(signal)
    const { isDone, answer } = await withDeadline(look(), patience)
    const left = end - performance.now()
    if (isDone || left <= 0) return answer
    await withDeadline(pause(Math.min(wait, left)), patience)
  }
}
