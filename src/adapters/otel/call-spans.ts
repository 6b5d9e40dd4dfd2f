/**
 * Makes spans and durations of what the tracing channels tell, by the stable semantic conventions for databases
 * (https://opentelemetry.io/docs/specs/semconv/database/). Which channels are heard is decided in start-telemetry.ts.
 */
import {
  type Attributes,
  context,
  diag,
  type Histogram,
  type Meter,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api'
import { isThermoclineError, type TraceContext } from '../../index.ts'

/** Calls that are one operation on many entries. */
const BATCHES: ReadonlySet<string> = new Set([
  ...['putMany', 'getMany', 'getManyByKey', 'hasMany', 'deleteMany', 'searchMany', 'write'],
  ...['promote', 'demote', 'pin', 'unpin'],
])

/** Seconds, as the conventions have them. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** What a channel tells of one piece of work. It is the same object from its beginning to its end. */
type Told = TraceContext & { readonly error?: unknown }

interface Begun {
  /** By performance.now(). */
  readonly at: number
  readonly attributes: Attributes
  /** Undefined where it could not be made. */
  span: Span | undefined
}

export class CallSpans {
  readonly #tracer: Tracer
  readonly #durations: Histogram
  readonly #namespaces: boolean
  readonly #begun = new WeakMap<object, Begun>()
  #isUnseen = false

  /** @param options `namespaces`: whether attributes name them. */
  constructor(tracer: Tracer, meter: Meter, { namespaces }: { readonly namespaces: boolean }) {
    this.#tracer = tracer
    this.#namespaces = namespaces
    this.#durations = meter.createHistogram('db.client.operation.duration', {
      description: 'Duration of database client operations.',
      unit: 's',
      advice: { explicitBucketBoundaries: BOUNDARIES },
    })
  }

  /** Calls begin within the step of their caller, whose span is the active one then. */
  ofCalls() {
    return {
      begin: guarded((told) => {
        if (this.#isUnseen) return
        const attributes = this.#attributesOf(told)
        const name = told.kind === undefined ? told.operation : `${told.operation} ${told.kind}`
        this.#begin(told, name, { attributes, kind: SpanKind.CLIENT })
      }),
      end: guarded((told) => this.#end(told, batchOf(told), this.#durations)),
    }
  }

  /** Whoever happened to cause it is no parent of it: it is done for many. */
  ofBackground(channel: string) {
    return {
      begin: guarded((told) => {
        const attributes = { 'db.system.name': 'thermocline', 'db.operation.name': told.operation }
        this.#begin(told, `thermocline:${channel}`, { attributes, kind: SpanKind.INTERNAL, root: true })
      }),
      end: guarded((told) => this.#end(told, amountOf(told))),
    }
  }

  /** Asks something of a store of which there is to be no span: the call begins within this step. */
  unseen<T>(ask: () => T): T {
    this.#isUnseen = true
    try {
      return ask()
    } finally {
      this.#isUnseen = false
    }
  }

  #attributesOf({ operation, kind, namespace }: Told): Attributes {
    return {
      'db.system.name': 'thermocline',
      'db.operation.name': operation,
      ...(kind === undefined ? {} : { 'db.collection.name': kind }),
      ...(this.#namespaces && namespace !== undefined ? { 'db.namespace': namespace } : {}),
    }
  }

  #begin(told: Told, name: string, options: { attributes: Attributes; kind: SpanKind; root?: boolean }): void {
    const begun: Begun = { at: performance.now(), attributes: options.attributes, span: undefined }
    // First: what a processor of spans throws costs the span, and not the duration.
    this.#begun.set(told, begun)
    begun.span = this.#tracer.startSpan(name, options, context.active())
  }

  #end(told: Told, known: Attributes, durations?: Histogram): void {
    const begun = this.#begun.get(told)
    // It began before anybody listened.
    if (begun === undefined) return
    const { at, attributes, span } = begun
    const failed = told.outcome === 'failed' ? { 'error.type': typeOf(told.error) } : {}
    try {
      durations?.record((performance.now() - at) / 1_000, { ...attributes, ...failed })
    } finally {
      span?.setAttributes({ ...known, ...failed })
      // The code alone: a message may name a member of metadata, which may be data of the program's users.
      if (told.outcome === 'failed') span?.setStatus({ code: SpanStatusCode.ERROR, message: typeOf(told.error) })
      span?.end()
    }
  }
}

/** Two at least: fewer are no batch by the conventions. */
function batchOf({ operation, count = 0 }: Told): Attributes {
  return BATCHES.has(operation) && count > 1 ? { 'db.operation.batch.size': count } : {}
}

function amountOf({ count, bytes }: Told): Attributes {
  return {
    ...(count === undefined ? {} : { 'thermocline.records': count }),
    ...(bytes === undefined ? {} : { 'thermocline.bytes': bytes }),
  }
}

function typeOf(error: unknown): string {
  return isThermoclineError(error) ? error.code : '_OTHER'
}

/** Nothing of a program's telemetry breaks a call: what a subscriber throws would end the process. */
function guarded(work: (told: Told) => void): (told: object) => void {
  return (told) => {
    try {
      work(told as Told)
    } catch (error) {
      diag.error('thermocline: a span or a duration was not taken', error)
    }
  }
}
