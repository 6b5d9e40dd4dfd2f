/**
 * The logs of other processes, asked to let go of every file that they have when something was erased (rule E5). Their
 * files are their own: each owner does it with its next checkpoint, and cold tells.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ColdTier, RegisteredLog } from '../cold/cold-tier.ts'
import { type Patience, throwIfAborted, unlessLate, withDeadline } from '../kernel/deadline.ts'

type Cold = Pick<ColdTier, 'askCuts' | 'logs'>

export class AskedLogs {
  readonly #cold: Cold
  /** Those that have not done it yet, with the tokens that were asked for since: whoever followed one of them has. */
  readonly #open = new Map<string, Set<string>>()
  /** Of before: a database that a failover set back has them again, and they count for nothing. */
  readonly #earlier: ReadonlySet<string>

  private constructor(cold: Cold, earlier: ReadonlySet<string>) {
    this.#cold = cold
    this.#earlier = earlier
  }

  /** Resolves once all logs that cold knows are asked. MUST be called once cold has the tombstones. */
  static async ask(cold: Cold, ownWalId: string): Promise<AskedLogs> {
    const before = (await cold.logs()).flatMap(({ cutAsked, cutDone }) => [cutAsked, cutDone])
    const asked = new AskedLogs(cold, new Set(before.filter((token) => token !== undefined)))
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
      if (cutAsked !== undefined && !this.#earlier.has(cutAsked)) tokens.add(cutAsked)
      return true
    })
    const walIds = new Set(open.map(({ walId }) => walId))
    for (const walId of this.#open.keys()) if (!walIds.has(walId)) this.#open.delete(walId)
    return open
  }
}

/** What {@link untilDone} sees. */
export interface Look<T> {
  readonly isDone: boolean
  readonly answer: T
}

/** What {@link untilDone} waits for. */
export interface Awaited<T> {
  /** Does what is to be done here, which may take long: nobody waits for it beyond `within`, and it goes on. */
  readonly advance: () => Promise<void>
  readonly look: () => Promise<Look<T>>
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

/** Looks again and again until it is done, or `within` (milliseconds) is over, and returns what it saw last. */
export async function untilDone<T>(
  { advance, look }: Awaited<T>,
  { within, signal }: { readonly within: number; readonly signal: AbortSignal | undefined },
): Promise<T> {
  const end = performance.now() + within
  const left = (): number => Math.max(0, end - performance.now())
  const patience: Patience = { signal }
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    throwIfAborted(signal)
    await withDeadline(unlessLate(advance(), left()), patience)
    const { isDone, answer } = await withDeadline(look(), patience)
    if (isDone || left() === 0) return answer
    await withDeadline(pause(Math.min(wait, left())), patience)
  }
}
