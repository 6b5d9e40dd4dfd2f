/**
 * `thermocline/otel`: has OpenTelemetry hear of the calls of every store of this process (call-spans.ts), and of the
 * numbers of the stores that it is given (store-gauges.ts). Decides which options there are; where it all goes is what
 * the SDK of the program was told.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import { defineCall, flag, optionRule, type RulesOf } from '../../call-options.ts'
import { CallSpans } from './call-spans.ts'
import { type MeasuredStore, observeStores } from './store-gauges.ts'

export type { MeasuredStore } from './store-gauges.ts'

export interface TelemetryOptions {
  /** Stores whose numbers are observed, by name: the attribute `thermocline.store`. @default none */
  readonly stores?: Readonly<Record<string, MeasuredStore>> | undefined
  /** Whether `db.namespace` tells the path of the namespace, which may name a tenant. @default false */
  readonly namespaces?: boolean | undefined
  /**
   * Whether there are spans also of what a store does by itself: groups of writes in the log, checkpoints, syncs. They
   * have no parent, and there is one with almost each write. @default false
   */
  readonly background?: boolean | undefined
  /** @default the global one */
  readonly tracerProvider?: TracerProvider | undefined
  /** @default the global one */
  readonly meterProvider?: MeterProvider | undefined
}

/** What {@link startTelemetry} has begun. */
export interface RunningTelemetry extends Disposable {
  /** Ends it; a call that is under way gets no span any more. Idempotent. */
  stop(): void
}

/** Name of the instrumentation, as exporters show it. */
const SCOPE = 'thermocline'

/** What a store does by itself, by channel. */
const BACKGROUND = ['wal', 'checkpoint', 'sync'] as const

const checked = defineCall('startTelemetry', {
  stores: optionRule<Readonly<Record<string, MeasuredStore>>>(storesOf, 'an object of open stores by name'),
  namespaces: flag,
  background: flag,
  tracerProvider: optionRule<TracerProvider>((value) => having('getTracer', value), 'a TracerProvider'),
  meterProvider: optionRule<MeterProvider>((value) => having('getMeter', value), 'a MeterProvider'),
} satisfies RulesOf<TelemetryOptions>)

/**
 * Begins to emit a span of kind CLIENT and a duration (`db.client.operation.duration`, seconds) for each call of every
 * store of this process, by the stable conventions for databases, and the numbers of `stores`. Nothing that an entry
 * says is in them, nor a namespace unless it is asked for. What fails on the way there, as in an exporter, is told to
 * the `diag` logger of OpenTelemetry and breaks no call. `ERR_INVALID_OPTIONS` where an option is unknown or wrong.
 */
export function startTelemetry(options?: TelemetryOptions): RunningTelemetry {
  const { stores = {}, namespaces = false, background = false, ...providers } = checked(options)
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = providers
  const meter = meterProvider.getMeter(SCOPE)
  const spans = new CallSpans(tracerProvider.getTracer(SCOPE), meter, { namespaces })
  const ends = [
    listen('operation', spans.ofCalls()),
    ...(background ? BACKGROUND.map((channel) => listen(channel, spans.ofBackground(channel))) : []),
    // Asking for numbers is a call as well, and nobody wants a span of that.
    observeStores(meter, stores, (ask) => spans.unseen(ask)),
  ]
  const stop = (): void => {
    for (const end of ends.splice(0)) end()
  }
  return { stop, [Symbol.dispose]: stop }
}

interface Listener {
  begin(told: object): void
  end(told: object): void
}

/** Returns what ends it. */
function listen(channel: string, listener: Listener): () => void {
  const { start, asyncEnd } = tracingChannel<unknown, object>(`thermocline:${channel}`)
  const begin = (told: unknown): void => listener.begin(told as object)
  const end = (told: unknown): void => listener.end(told as object)
  start.subscribe(begin)
  asyncEnd.subscribe(end)
  return () => {
    start.unsubscribe(begin)
    asyncEnd.unsubscribe(end)
  }
}

function storesOf(value: unknown): Readonly<Record<string, MeasuredStore>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const isEach = Object.values(value).every((store) => having('stats', store) !== undefined)
  return isEach ? { ...value } : undefined
}

/** Judges by shape: it may be of another copy of the package. */
function having<T>(method: string, value: unknown): T | undefined {
  const member = (value as Readonly<Record<string, unknown>> | null | undefined)?.[method]
  return typeof member === 'function' ? (value as T) : undefined
}
