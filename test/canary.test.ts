/**
 * Nothing that a caller stored, and no password, shows up in an error or a log line. Every error code is provoked for
 * real, with the canary in every place where private text can stand.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { retireLostLog } from '../src/admin/retire-log.ts'
import {
  type ChunkInput,
  type ErrorCode,
  type Logger,
  type MemoryStore,
  type MemoryStoreOptions,
  openMemoryStore,
  ThermoclineError,
  type Where,
} from '../src/index.ts'
import { runCli } from './cli/run-cli.ts'
import { rotFirstRecord, segmentFiles } from './fault/damage-log.ts'
import { editDatabase, NEWER_MIGRATION } from './fault/edit-database.ts'
import { QUIET } from './flow/stores.ts'
import { longTest, someOf } from './tools/budget.ts'
import { copyFolder, StoreTemplate } from './tools/store-template.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

const CANARY = 'c4n4ryQx7'
const UNREACHABLE = {
  hot: { url: `redis://user:${CANARY}-password@127.0.0.1:1` },
  cold: { url: `postgres://user:${CANARY}-password@127.0.0.1:1/${CANARY}` },
}

const chunk: Omit<ChunkInput, 'kind'> = {
  text: `${CANARY}-text`,
  key: `${CANARY}-key`,
  documentId: `${CANARY}-document`,
  embeddingModel: `${CANARY}-model`,
  metadata: { [`${CANARY}-name`]: `${CANARY}-value` },
  embedding: [1, 2, 3],
}

/** What a row of the table works with; everything it logs and every error it meets is searched. */
class Scene {
  readonly lines: unknown[][] = []
  readonly logger: Logger
  dir = ''

  constructor() {
    const record = (...line: unknown[]): void => void this.lines.push(line)
    this.logger = { debug: record, info: record, warn: record, error: record }
  }

  /** A store in the scene's folder, which ends with the test. */
  async open(options: MemoryStoreOptions = {}): Promise<MemoryStore> {
    if (this.dir === '') this.dir = await template.copy()
    const store = await openMemoryStore({ dir: this.dir, ...QUIET, logger: this.logger, ...options })
    onTestFinished(async () => {
      await store.close()
    })
    return store
  }

  /** Puts the canary into the folder's database. */
  async fill(): Promise<void> {
    const store = await this.open()
    await tenant(store).chunks.put(chunk)
    await store.close()
  }
}

const tenant = (store: MemoryStore) => store.namespace(`${CANARY}-tenant`)

async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('nothing was rejected')
}

type Provoke = (scene: Scene) => Promise<unknown[]>

/** Whoever reads a text from the database gets an error that quotes it. */
const TEXT_THAT_RAISES = [
  `CREATE FUNCTION public.quote(text) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', $1; END $$`,
  `ALTER TABLE thermocline.memory_entries RENAME TO held`,
  `DO $$ BEGIN EXECUTE (
     SELECT 'CREATE VIEW thermocline.memory_entries AS SELECT '
       || string_agg(CASE attname WHEN 'text' THEN 'public.quote(text) AS text' ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
       || ' FROM thermocline.held'
     FROM pg_attribute WHERE attrelid = 'thermocline.held'::regclass AND attnum > 0 AND NOT attisdropped
   ); END $$`,
]

/** Each answers errors of its code. A code that nothing throws yet says why. */
const PROVOKED: Record<ErrorCode, Provoke> = {
  ERR_INVALID_OPTIONS: async (scene) => {
    const { chunks } = tenant(await scene.open())
    const wrong = [
      { hot: { password: `${CANARY}-password` } },
      { durability: `${CANARY}-durability` },
      { cold: { dimensions: [`${CANARY}-dimension`] } },
      { timeouts: { cold: `${CANARY}-timeout` } },
      { sync: { schedule: `${CANARY}-schedule` } },
      { hot: { url: UNREACHABLE.cold.url }, cold: UNREACHABLE.cold },
      { hot: UNREACHABLE.hot, cold: { url: UNREACHABLE.hot.url } },
      { hot: { ...UNREACHABLE.hot, client: { options: { password: CANARY } } } },
      { cold: UNREACHABLE.cold },
    ]
    const wrongCalls = [{ durability: CANARY }, { timeout: CANARY }, { signal: CANARY }, { nonsense: CANARY }, CANARY]
    return Promise.all([
      ...wrong.map((options) => rejection(openMemoryStore(options as object))),
      ...wrongCalls.map((options) => rejection(chunks.put(chunk, options as object))),
    ])
  },
  ERR_INVALID_ENTRY: async (scene) => {
    const store = await scene.open()
    const { chunks, entries } = tenant(store)
    const wrong: object[] = [
      { ...chunk, id: `${CANARY}-id` },
      { ...chunk, text: `${CANARY}\0` },
      { ...chunk, key: CANARY.repeat(100) },
      { ...chunk, documentId: CANARY.repeat(100) },
      { ...chunk, metadata: { a: { b: [CANARY, () => CANARY] } } },
      { ...chunk, embedding: [CANARY] },
      { ...chunk, ttl: CANARY },
      { ...chunk, colour: CANARY },
      { ...chunk, namespace: CANARY },
    ]
    return Promise.all([
      ...wrong.map((input) => rejection(chunks.put(input as typeof chunk))),
      rejection(entries.put({ kind: CANARY } as never)),
      rejection(chunks.get(`${CANARY}-id`)),
      rejection((async () => store.namespace(CANARY.repeat(100)))()),
    ])
  },
  ERR_INVALID_QUERY: async (scene) => {
    const { chunks } = tenant(await scene.open())
    const wrong = [
      { colour: CANARY },
      { text: { like: CANARY } },
      { position: CANARY },
      { id: CANARY },
      { kind: CANARY },
    ]
    return Promise.all([
      ...wrong.map((where) => rejection(chunks.find({ where: where as Where }))),
      rejection(chunks.find({ limit: CANARY as never })),
      rejection(chunks.search({ embedding: [1, 2, 3], k: 1, metric: CANARY as never })),
    ])
  },
  ERR_IDEMPOTENCY: async (scene) => {
    const { chunks } = tenant(await scene.open())
    const idempotencyKey = `${CANARY}-idempotency`
    await chunks.put(chunk, { idempotencyKey })
    return [await rejection(chunks.put({ ...chunk, text: `${CANARY}-other` }, { idempotencyKey }))]
  },
  ERR_EMBEDDING_FAILED: async (scene) => {
    const embedMany = async () =>
      Promise.reject(Object.assign(new Error(`${CANARY}-text`), { status: 400, text: CANARY }))
    const { chunks } = tenant(await scene.open({ embed: { model: 'm', dimensions: 3, embedMany } }))
    const { embedding, ...bare } = chunk
    return [await rejection(chunks.put(bare)), await rejection(chunks.search({ text: CANARY, by: 'vector' }))]
  },
  ERR_EMBEDDING_INVALID: async (scene) => {
    const embedMany = async (texts: string[]) => texts.map((text) => [text as never])
    const { chunks } = tenant(await scene.open({ embed: { model: 'm', dimensions: 3, embedMany } }))
    const { embedding, ...bare } = chunk
    return [await rejection(chunks.put(bare))]
  },
  ERR_LOCKED: async (scene) => {
    await scene.open()
    return [await rejection(scene.open({ wal: { lockTimeout: 0 } }))]
  },
  ERR_WAL_CORRUPT: async (scene) => {
    const store = await scene.open()
    await tenant(store).chunks.put(chunk)
    await tenant(store).chunks.put(chunk)
    const [segment] = await segmentFiles(scene.dir)
    const bytes = await readFile(segment!)
    expect(bytes.includes(`${CANARY}-text`)).toBe(true)
    // As a crash would leave it: closing ships the log and removes it.
    const crashed = `${scene.dir}-crashed`
    await copyFolder(scene.dir, crashed)
    scene.dir = crashed
    await rotFirstRecord((await segmentFiles(crashed))[0]!)
    return [await rejection(scene.open())]
  },
  ERR_WAL_FAILED: async (scene) => {
    const store = await scene.open({ wal: { segmentBytes: 4096 } })
    const [segment] = await segmentFiles(scene.dir)
    await rm(join(segment!, '..'), { recursive: true })
    const fill = async (): Promise<never> => {
      for (;;) await tenant(store).chunks.put(chunk)
    }
    return [await rejection(fill()), await rejection(tenant(store).chunks.put(chunk)), store.health().error]
  },
  ERR_TIER_UNAVAILABLE: async (scene) => {
    await scene.fill()
    await editDatabase(scene.dir, ...TEXT_THAT_RAISES)
    const { chunks } = tenant(await scene.open())
    return [
      await rejection(chunks.getByKey(`${CANARY}-key`)),
      await rejection(chunks.find({ where: { text: `${CANARY}-text` } })),
      await rejection(chunks.put(chunk, { durability: 'cold' })),
      await rejection(scene.open({ dir: `${scene.dir}-server`, ...UNREACHABLE, timeouts: { open: 0 } })),
    ]
  },
  ERR_BACKPRESSURE: async (scene) => {
    const { chunks } = tenant(await scene.open({ wal: { maxPendingBytes: 1 }, hot: { maxEntries: 1 } }))
    const { id } = await chunks.put(chunk)
    return [await rejection(chunks.put(chunk, { timeout: 0 })), await rejection(chunks.pin(id))]
  },
  ERR_NOT_FOUND: async (scene) => {
    await scene.fill()
    return [await rejection(retireLostLog({ dir: scene.dir }, `${CANARY}-id`, { acceptLoss: true }))]
  },
  ERR_UNSUPPORTED: async (scene) => {
    await scene.fill()
    await writeFile(join(scene.dir, 'thermocline.json'), JSON.stringify({ format: 99, [CANARY]: CANARY }))
    return [await rejection(scene.open())]
  },
  ERR_TIMEOUT: async (scene) => {
    const { chunks } = tenant(await scene.open())
    return [await rejection(chunks.put(chunk, { durability: 'cold', timeout: 0 }))]
  },
  ERR_ABORTED: async (scene) => {
    const { chunks } = tenant(await scene.open())
    const signal = AbortSignal.abort(new Error(CANARY))
    return [await rejection(chunks.put(chunk, { signal })), await rejection(chunks.find({ signal }))]
  },
  ERR_CLOSED: async (scene) => {
    const store = await scene.open()
    const { chunks } = tenant(store)
    await store.close()
    return [await rejection(chunks.put(chunk)), await rejection(chunks.find({ where: { text: CANARY } }))]
  },
  ERR_ARCHIVE_CORRUPT: async (scene) => {
    const view = tenant(await scene.open())
    const from = [
      `{"header":{"format":1},"crc32":"${CANARY}"}\n`,
      `{"entry":{"text":"${CANARY}"},"crc32":"00000000"}\n`,
    ]
    return [await rejection(view.import({ from })), await rejection(view.import({ from: [CANARY] }))]
  },
  ERR_CONFLICT: async (scene) => {
    const view = tenant(await scene.open())
    await view.chunks.put(chunk)
    const facts = { key: chunk.key, metadata: { a: CANARY } }
    return [await rejection(view.metadata.put(facts)), await rejection(view.metadata.putMany([facts]))]
  },
  ERR_INTERNAL: async (scene) => {
    let isBroken = false
    const now = (): number => {
      if (isBroken) throw new Error(`${CANARY}\n    at ${CANARY}`)
      return Date.now()
    }
    const { chunks } = tenant(await scene.open({ clock: { now } }))
    isBroken = true
    const errors = [await rejection(chunks.put(chunk)), await rejection(chunks.find())]
    isBroken = false
    for (const error of errors) expect((error as Error).stack).toContain('canary.test')
    return errors
  },
  ERR_SCHEMA: async (scene) => {
    await scene.fill()
    await editDatabase(scene.dir, NEWER_MIGRATION)
    return [await rejection(scene.open())]
  },
}

/** Every way in which an error or a log line ends up as text. */
function textsOf(value: unknown): string[] {
  const lines: string[] = []
  pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }).error({ err: value, value }, 'logged')
  const shown = inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null })
  const stack = value instanceof Error ? [value.stack ?? ''] : []
  return [JSON.stringify(value) ?? '', shown, String(value), ...stack, ...lines]
}

/** Bytes are shown as hex by Node and by Postgres. */
const FORMS = [CANARY, Buffer.from(CANARY).toString('hex'), Buffer.from(CANARY).toString('hex').replace(/..\B/g, '$& ')]

function expectNoCanary(value: unknown): void {
  for (const text of textsOf(value)) for (const form of FORMS) expect(text).not.toContain(form)
}

test('the search finds a canary however deep it is', () => {
  const hidden = Object.defineProperty({}, 'query', { value: [CANARY], enumerable: false })
  const behind = new Error('outer', { cause: new Error(CANARY) })
  for (const value of [new Error(CANARY), behind, { a: [{ b: CANARY }] }, hidden, Buffer.from(CANARY)])
    expect(() => expectNoCanary(value)).toThrow()
})

describe('no error and no log line holds content', () => {
  for (const [code, provoke] of someOf(Object.entries(PROVOKED), 3)) {
    test(code, async () => {
      const scene = new Scene()
      const errors = await provoke(scene)
      for (const error of errors) {
        expect(error).toBeInstanceOf(ThermoclineError)
        expect((error as ThermoclineError).code).toBe(code)
        expectNoCanary(error)
      }
      expectNoCanary(scene.lines)
    })
  }

  test('a row that the database refuses', async () => {
    const scene = new Scene()
    await scene.fill()
    await editDatabase(scene.dir, 'ALTER TABLE thermocline.memory_entries ADD CHECK (position IS DISTINCT FROM 13)')
    const store = await scene.open()
    await tenant(store).chunks.put({ ...chunk, position: 13 })
    await store.checkpoint()
    expect((await store.stats()).cold?.deadLetters).toBe(1)
    expect(scene.lines.some((line) => inspect(line).includes('dead_letters'))).toBe(true)
    expectNoCanary(scene.lines)
  })
})

longTest('no command prints content, however much it is asked to say', async () => {
  const scene = new Scene()
  const store = await scene.open()
  for (let i = 0; i < 3; i++) await tenant(store).chunks.put(chunk)
  for (const damage of [async () => {}, rotFirstRecord]) {
    const crashed = `${scene.dir}-${damage.name}`
    await copyFolder(scene.dir, crashed)
    await damage((await segmentFiles(crashed))[0]!)
    for (const args of [['inspect'], ['inspect', '--json'], ['sync', '--once'], ['recover'], ['recover', '--json']]) {
      const { stdout, stderr } = await runCli([...args, '--dir', crashed, '--verbose'])
      expect(stdout + stderr).not.toBe('')
      expectNoCanary({ stdout, stderr })
    }
  }
})

test('every code has a row', async () => {
  const source = await readFile(join(import.meta.dirname, '../src/errors.ts'), 'utf8')
  const codes = [...source.matchAll(/^ {2}(ERR_[A-Z_]+):/gm)].map(([, code]) => code)
  expect(Object.keys(PROVOKED).sort()).toEqual(codes.sort())
})
