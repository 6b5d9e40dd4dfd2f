/**
 * Channels of node:diagnostics_channel by which whoever traces a process hears of what begins and ends here. Without a
 * subscriber they cost a look.
 */
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { unforeseen } from '../errors.ts'

/** What subscribers are told, and nothing that an entry says. What is known at the end alone is added by then. */
export interface TraceContext {
  /** Name of the call, or `append`, `checkpoint` or `sync`. */
  readonly operation: string
  /** Of the entries that a call is about; not there where they are of every kind. */
  readonly kind?: string
  /** Path of the namespace that a call is about. Not enumerable, for it may name a tenant. */
  readonly namespace?: string
  /** Where the work is done, where that is one place. */
  readonly tier?: 'log' | 'cold'
  /** Entries or records. */
  count?: number
  bytes?: number
  outcome?: 'ok' | 'failed'
}

export type TraceChannel = TracingChannel<unknown, TraceContext>

export const TRACES = {
  operation: tracingChannel<unknown, TraceContext>('thermocline:operation'),
  wal: tracingChannel<unknown, TraceContext>('thermocline:wal'),
  checkpoint: tracingChannel<unknown, TraceContext>('thermocline:checkpoint'),
  sync: tracingChannel<unknown, TraceContext>('thermocline:sync'),
} as const

/**
 * Does the work, which begins within this very step, and tells the channel. Ask `hasSubscribers` before.
 *
 * @param tell what is told of the answer: the answer itself is the caller's alone.
 */
export async function traced<T>(
  channel: TraceChannel,
  context: TraceContext,
  work: () => T | Promise<T>,
  tell: (answer: T) => Pick<TraceContext, 'count' | 'bytes' | 'outcome'>,
): Promise<T> {
  let answer: T
  await channel.tracePromise(async () => {
    try {
      answer = await work()
      Object.assign(context, { outcome: 'ok' }, tell(answer))
    } catch (error) {
      context.outcome = 'failed'
      // Subscribers get it as well: what a foreign error says may come from an entry.
      throw unforeseen(error)
    }
  }, context)
  return answer!
}
