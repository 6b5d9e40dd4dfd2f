/** What a case of the benchmarks is: a file of {@link ../cases} whose default export is one of these. */
import type { Bench } from './bench.ts'

/** Servers that a case may ask for; they are this run's own. */
export type ServerName = 'redis' | 'syncing redis' | 'postgres'

/** Packages of `test/bench/package.json`. */
export type PeerName = 'bentocache' | 'classic-level' | '@keyv/redis' | '@langchain/langgraph-checkpoint-postgres'

export interface BenchCase {
  /** What is done, such as `put on servers, 64 callers`. */
  readonly title: string
  readonly servers?: readonly ServerName[]
  readonly peers?: readonly PeerName[]
  /** Measured only by `--full`. */
  readonly isLong?: boolean
  /** Rounds at most, where one takes long. */
  readonly mostRounds?: number
  /** Seconds after which the case is ended. @default 120 */
  readonly limit?: number
  readonly rows: readonly Row[]
  /** Of the sizes that only `--full` measures. */
  readonly fullRows?: readonly Row[]
  /**
   * Makes what is measured: subjects by their names, the first of which is ours. Each is called once to warm up and
   * then once a round, one after another, and does the same work each time.
   */
  setUp(bench: Bench): Promise<Subjects>
}

export type Subjects = Readonly<Record<string, () => Promise<Sample>>>

/** Figures by their names. `calls` is how many calls were made, which `--profile` divides by. */
export interface Sample {
  readonly figures: Readonly<Record<string, number>>
  /** Milliseconds that the shares {@link CURVE_SHARES} of the calls did not exceed. */
  readonly curve?: readonly number[]
}

/** Where a curve of latencies is read. */
export const CURVE_SHARES = [
  0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1,
] as const

export type Unit = '/s' | 'ms' | 'µs' | 'MB' | '×' | '%'

/** A line of the table: one figure of one subject, and what it is held against. */
export interface Row {
  /** What it says where the title of the case is not enough. */
  readonly title?: string
  readonly figure: string
  readonly unit: Unit
  /** @default the first */
  readonly subject?: string
  /** Another subject, or another figure of any. The ratio is ours divided by it. */
  readonly reference?: { readonly subject?: string; readonly figure?: string }
  /** Reached if any of them is. */
  readonly goals?: readonly Goal[]
}

/** What the ratio to the reference has to be, or the figure itself. */
export type Goal =
  | { readonly of: 'ratio' | 'figure'; readonly atLeast: number }
  | { readonly of: 'ratio' | 'figure'; readonly atMost: number }

export const ratioAtLeast = (atLeast: number): Goal => ({ of: 'ratio', atLeast })
export const ratioAtMost = (atMost: number): Goal => ({ of: 'ratio', atMost })
export const figureAtLeast = (atLeast: number): Goal => ({ of: 'figure', atLeast })
export const figureAtMost = (atMost: number): Goal => ({ of: 'figure', atMost })
