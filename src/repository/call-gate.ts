import type { CallSchema } from '../call-options.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import { ThermoclineError, unforeseen } from '../errors.ts'
import { TRACES, type TraceContext, traced } from '../kernel/tracing.ts'
import type { OperationTally } from '../telemetry/tally.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { CALLS, nameOf } from './calls.ts'

/** What a process says of itself it says as well once it refuses calls: that is when people look. */
const TOLD_ALSO_THEN: ReadonlySet<unknown> = new Set([CALLS.stats, CALLS.metrics, CALLS.alerts])

/** Where the entries are that a call is about. */
export interface CallPlace {
  /** Path; empty above all namespaces. */
  readonly namespace: string
  /** Undefined: of every kind. */
  readonly kind: EntryKind | undefined
}

/**
 * Every call passes the gate on its way to the flows. The gate knows the calls that run, so that closing refuses new
 * ones and waits for these, it has the options of each call checked, and it tells how long each took.
 */
export class CallGate {
  readonly #telemetry: Telemetry
  /** What is counted in this slot, by the call's schema: its name would be looked up first. */
  readonly #operations = new Map<unknown, OperationTally>()
  #slot: unknown
  #running = 0
  #onIdle: (() => void)[] = []
  #closed = false
  #failure: ThermoclineError | undefined

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  /** The reason why calls are refused, where it is not that the store was closed. */
  get failure(): ThermoclineError | undefined {
    return this.#failure
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Runs the call with its options checked, or rejects with `ERR_CLOSED`, or why calls are refused. What is thrown at
   * once becomes a rejection as well. The call begins within this very step, so that it may copy what the caller gave;
   * one that has its answer by the end of it keeps nobody waiting.
   *
   * @param place told to whoever traces; undefined: the call is about no one namespace.
   */
  async run<O, T>(
    schema: CallSchema<O>,
    given: unknown,
    call: (options: O) => T | Promise<T>,
    place?: CallPlace,
  ): Promise<T> {
    if (this.#closed)
      throw new ThermoclineError('ERR_CLOSED', 'the store is closed: open it again', { outcome: 'none' })
    if (this.#failure !== undefined && !TOLD_ALSO_THEN.has(schema)) throw this.#failure
    const operation = this.#operationOf(schema)
    let began = operation.isDue ? performance.now() : undefined
    let isAtOnce = true
    let isFailed = true
    try {
      let answer = TRACES.operation.hasSubscribers ? trace(schema, given, call, place) : call(schema(given))
      if (answer instanceof Promise) {
        isAtOnce = false
        began ??= performance.now()
        answer = await this.#whileRunning(answer)
      }
      isFailed = false
      return answer
    } catch (error) {
      throw unforeseen(error)
    } finally {
      if (began === undefined) operation.repeat(isFailed)
      else this.#telemetry.record('calls', nameOf(schema), performance.now() - began, isFailed, isAtOnce)
    }
  }

  #operationOf(schema: CallSchema<unknown>): OperationTally {
    if (this.#telemetry.slot !== this.#slot) {
      this.#slot = this.#telemetry.slot
      this.#operations.clear()
    }
    return this.#operations.get(schema) ?? this.#beginCounting(schema)
  }

  /** Apart: it happens once in a slot. */
  #beginCounting(schema: CallSchema<unknown>): OperationTally {
    const operation = this.#telemetry.operation('calls', nameOf(schema))
    this.#operations.set(schema, operation)
    return operation
  }

  async #whileRunning<T>(call: Promise<T>): Promise<T> {
    this.#running++
    try {
      return await call
    } finally {
      this.#running--
      if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
    }
  }

  /** Refuses further calls with this error, for good, but for `stats()`, `metrics()` and `alerts()`. */
  fail(error: ThermoclineError): void {
    this.#failure ??= error
  }

  /** Refuses further calls. */
  close(): void {
    this.#closed = true
  }

  /** Resolves once no call runs. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }
}

/** The gate as the calls of one repository, or of one view, pass it. */
export class PlacedGate {
  readonly #gate: CallGate
  readonly #place: CallPlace

  constructor(gate: CallGate, place: CallPlace) {
    this.#gate = gate
    this.#place = place
  }

  /** As {@link CallGate.run}. */
  run<O, T>(schema: CallSchema<O>, given: unknown, call: (options: O) => T | Promise<T>): Promise<T> {
    return this.#gate.run(schema, given, call, this.#place)
  }
}

/** Apart: what a closure may hold costs every call, also where none is made. */
function trace<O, T>(
  schema: CallSchema<O>,
  given: unknown,
  call: (options: O) => T | Promise<T>,
  place: CallPlace | undefined,
): Promise<T> {
  return traced(
    TRACES.operation,
    contextOf(nameOf(schema), place),
    () => call(schema(given)),
    (answer) => ({ count: countOf(answer) }),
  )
}

/** The namespace may be a tenant's name: it is there for who asks for it, and whoever copies or prints has none. */
function contextOf(operation: string, { kind, namespace }: Partial<CallPlace> = {}): TraceContext {
  const context = kind === undefined ? { operation } : { operation, kind }
  return namespace ? Object.defineProperty(context, 'namespace', { value: namespace }) : context
}

/** How many a call answered: entries, receipts, items of a page, or one. */
function countOf(answer: unknown): number {
  if (Array.isArray(answer)) return answer.length
  const { items } = (answer ?? {}) as { readonly items?: unknown }
  if (Array.isArray(items)) return items.length
  return answer === undefined ? 0 : 1
}
