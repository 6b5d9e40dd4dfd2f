/** `thermocline/otel`: what a real OpenTelemetry SDK receives of calls and stores, and that it breaks none of them. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type Context, context, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startTelemetry, type TelemetryOptions } from '../../src/adapters/otel/start-telemetry.ts'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { describeMainPair, QUIET, shareStore } from '../flow/stores.ts'

/** As the SDK of a Node program follows calls. */
class LocalContexts {
  readonly #contexts = new AsyncLocalStorage<Context>()
  active = (): Context => this.#contexts.getStore() ?? ROOT_CONTEXT
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#contexts.run(active, () => work.apply(self, args) as ReturnType<F>)
  }
  bind = <T>(_: Context, target: T): T => target
  enable = (): this => this
  disable = (): this => this
}

beforeAll(() => void context.setGlobalContextManager(new LocalContexts()))
afterAll(() => context.disable())

/** An SDK that keeps what it gets, and our telemetry into it until the test ends. */
function receive(options: TelemetryOptions = {}, processors: SpanProcessor[] = []) {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [...processors, new SimpleSpanProcessor(exporter)],
  })
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 3_600_000,
  })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const telemetry = startTelemetry({ tracerProvider, meterProvider, ...options })
  onTestFinished(async () => {
    telemetry.stop()
    await meterProvider.shutdown()
    await tracerProvider.shutdown()
  })
  return {
    telemetry,
    tracer: tracerProvider.getTracer('the program'),
    spans: async (): Promise<ReadableSpan[]> => {
      await tracerProvider.forceFlush()
      return exporter.getFinishedSpans()
    },
    /** Data points by metric. */
    points: async () => {
      const { resourceMetrics, errors } = await reader.collect()
      expect(errors).toEqual([])
      const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
      return new Map(all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints as Point[]]))
    },
  }
}

interface Point {
  readonly attributes: object
  readonly value: unknown
}

const SECRET = 'nobody else may read this'

describeMainPair('OpenTelemetry', (pair) => {
  const { store } = shareStore(pair)

  test('receives a span and a duration of each call, of which nothing says what is in an entry', async () => {
    const { spans, points, tracer } = receive()
    const acme = store().namespace('tenant', SECRET)
    const parent = tracer.startSpan('GET /answer')
    const ids = await context.with(trace.setSpan(context.active(), parent), async () => {
      const receipts = await acme.chunks.putMany([{ text: SECRET, key: SECRET }, { text: SECRET }])
      await acme.chunks.find({ where: { text: SECRET } })
      return receipts.map(({ id }) => id)
    })
    await acme.chunks.getMany([ids[0]!])
    await acme.entries.update(acme.entries.idOf('absent'), { metadata: {} }).catch(() => {})
    await acme.metadata.put({ metadata: { [`${SECRET}\0`]: 1 } }).catch(() => {})
    parent.end()
    const invalid = { 'error.type': 'ERR_INVALID_ENTRY' }
    const received = (await spans()).filter((span) => span.name !== 'GET /answer')
    expect(received.map(({ name, kind, attributes }) => ({ name, kind, attributes }))).toEqual([
      { name: 'putMany chunk', kind: SpanKind.CLIENT, attributes: { ...of('putMany', 'chunk'), ...batch(2) } },
      { name: 'find chunk', kind: SpanKind.CLIENT, attributes: of('find', 'chunk') },
      { name: 'getMany chunk', kind: SpanKind.CLIENT, attributes: of('getMany', 'chunk') },
      { name: 'update', kind: SpanKind.CLIENT, attributes: { ...of('update'), 'error.type': 'ERR_NOT_FOUND' } },
      { name: 'put metadata', kind: SpanKind.CLIENT, attributes: { ...of('put', 'metadata'), ...invalid } },
    ])
    const { spanId } = parent.spanContext()
    expect(received.map((span) => span.parentSpanContext?.spanId)).toEqual([
      spanId,
      spanId,
      undefined,
      undefined,
      undefined,
    ])
    expect(received[3]!.status).toMatchObject({ code: SpanStatusCode.ERROR, message: 'ERR_NOT_FOUND' })
    expect(received[0]!.status.code).toBe(SpanStatusCode.UNSET)
    const durations = (await points()).get('db.client.operation.duration')!
    expect(durations).toMatchObject([
      { attributes: of('putMany', 'chunk'), value: { count: 1 } },
      { attributes: of('find', 'chunk'), value: { count: 1 } },
      { attributes: of('getMany', 'chunk'), value: { count: 1 } },
      { attributes: { ...of('update'), 'error.type': 'ERR_NOT_FOUND' }, value: { count: 1 } },
      { attributes: { ...of('put', 'metadata'), ...invalid }, value: { count: 1 } },
    ])
    for (const { value } of durations) expect((value as { sum: number }).sum).toBeLessThan(60)
    expect(inspect([received, durations], { depth: 12 })).not.toContain(SECRET)
  })

  test('observes the numbers of open stores by name, and makes no span of asking for them', async () => {
    await store().checkpoint()
    store().resetStats()
    const { points, spans } = receive({ stores: { main: store(), same: store() } })
    const { id } = await store().chunks.put({ text: 'x' })
    await store().chunks.get(id)
    const observed = await points()
    const value = (name: string, labels: object) =>
      observed.get(name)!.find(({ attributes }) => Object.entries(labels).every(isOf(attributes)))?.value
    const main = { 'thermocline.store': 'main' }
    expect(value('thermocline.pending.entries', main)).toBe(1)
    expect(value('thermocline.pending.entries', { 'thermocline.store': 'same' })).toBe(1)
    expect(value('thermocline.pending.size', main)).toBeGreaterThan(10)
    expect(value('thermocline.checkpoint.lag', main)).toBeGreaterThanOrEqual(0)
    expect(value('thermocline.cold.dead_letters', main)).toBe(0)
    const hit = { 'thermocline.tier': 'pending', 'thermocline.result': 'hit' }
    expect(value('thermocline.lookups', { ...main, ...hit })).toBe(1)
    expect((await spans()).map(({ name }) => name)).toEqual(['put chunk', 'get chunk'])
  })
})

describe('telemetry', () => {
  let store: MemoryStore
  let dir: string

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'thermocline-otel-'))
    store = await openMemoryStore({ dir, ...QUIET })
  })
  afterAll(async () => {
    await store.close()
    await rm(dir, { recursive: true, force: true })
  })

  test('has namespaces where they are asked for, and what a store does by itself', async () => {
    const { spans } = receive({ namespaces: true, background: true })
    await store.namespace('tenant', 'acme').metadata.put({ key: 'a', metadata: {} })
    await store.sync()
    const received = await spans()
    const named = (name: string) => received.find((span) => span.name === name)!
    expect(received.map(({ name }) => name).sort()).toEqual([
      'put metadata',
      'sync',
      'thermocline:checkpoint',
      'thermocline:sync',
      'thermocline:wal',
    ])
    expect(named('put metadata').attributes).toMatchObject({ 'db.namespace': 'tenant/acme' })
    expect(named('thermocline:wal').kind).toBe(SpanKind.INTERNAL)
    expect(named('thermocline:wal').attributes).toMatchObject({ 'thermocline.records': 1 })
    expect(named('thermocline:checkpoint').parentSpanContext).toBeUndefined()
    expect(named('thermocline:sync').attributes['thermocline.bytes']).toBeGreaterThan(10)
  })

  test('that fails is told to the logger of OpenTelemetry, and calls go on', async () => {
    const told: unknown[][] = []
    const note = (...args: unknown[]) => void told.push(args)
    diag.setLogger({ error: note, warn: note, info() {}, debug() {}, verbose() {} })
    onTestFinished(() => diag.disable())
    const fail = () => {
      throw new Error('the exporter is broken')
    }
    const idle = { forceFlush: async () => {}, shutdown: async () => {} }
    const { points } = receive({}, [{ ...idle, onStart: fail, onEnd() {} }])
    receive({}, [{ ...idle, onStart() {}, onEnd: fail }])
    const { id } = await store.chunks.put({ text: 'x' })
    expect((await store.chunks.get(id))?.text).toBe('x')
    expect(told).toHaveLength(4)
    for (const [message, error] of told) {
      expect(message).toMatch(/thermocline/)
      expect(error).toMatchObject({ message: 'the exporter is broken' })
    }
    expect((await points()).get('db.client.operation.duration')).toHaveLength(2)
  })

  test('ends when it is told so, and with its scope', async () => {
    const { telemetry, spans, points } = receive({ stores: { store } })
    {
      using _ = telemetry
      await store.chunks.put({ text: 'x' })
    }
    telemetry.stop()
    await store.chunks.put({ text: 'y' })
    expect((await spans()).map(({ name }) => name)).toEqual(['put chunk'])
    expect((await points()).get('thermocline.pending.entries') ?? []).toEqual([])
  })

  test('has no numbers of a store that is closed, which is no error', async () => {
    const { points } = receive({ stores: { store } })
    await store.close()
    expect((await points()).get('thermocline.pending.entries') ?? []).toEqual([])
  })

  test.each<[string, object]>([
    ['store', { store: {} }],
    ['stores', { stores: [] }],
    ['stores', { stores: { main: {} } }],
    ['namespaces', { namespaces: 'yes' }],
    ['tracerProvider', { tracerProvider: {} }],
    ['meterProvider', { meterProvider: null }],
  ])('refuses the option `%s` of %j', (option, options) => {
    const refusal = expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } })
    expect(() => startTelemetry(options)).toThrow(refusal)
  })
})

function of(operation: string, kind?: string): object {
  const own = kind === undefined ? {} : { 'db.collection.name': kind }
  return { 'db.system.name': 'thermocline', 'db.operation.name': operation, ...own }
}

const batch = (size: number): object => ({ 'db.operation.batch.size': size })

function isOf(attributes: object): (pair: readonly [string, unknown]) => boolean {
  return ([label, text]) => (attributes as Record<string, unknown>)[label] === text
}
