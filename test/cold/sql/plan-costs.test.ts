/**
 * No statement may cost more than its answer and its batch, whatever the planner knows of the tables: every statement
 * of every method is planned on an empty, a small and a large database, with statistics and without. Where the planner
 * expects very much, Postgres compiles the statement each time (JIT), which takes longer than any of them runs; where
 * it expects very little, it compares every row with every other.
 */
import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdDriver } from '../../../src/cold/cold-driver.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { isThorough } from '../../tools/budget.ts'
import { lendDatabase } from '../../tools/lent-database.ts'
import { describeWithPostgres, PrivatePostgres } from '../../tools/services.ts'
import { fillSql, type RecordedStatement, recordStatements } from './recorded-statements.ts'

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Total Cost': number
  readonly 'Relation Name'?: string
  readonly 'CTE Name'?: string
  readonly 'Subplan Name'?: string
  readonly 'Parent Relationship'?: string
  readonly 'Join Filter'?: string
  readonly Plans?: readonly PlanNode[]
}

const JIT_ABOVE_COST = 100_000
const LARGE = 10_000
/**
 * What these answer takes reading a whole namespace, every vector, or, where no language has an index, every text; or
 * every row, where none has a model that is asked for now and then.
 */
const READS_MUCH = new Set(['count', 'search', 'searchTexts', 'isModelUsed'])
const LONG_TABLES = new Set([
  'memory_entries',
  'entry_access',
  'hot_misses',
  'entry_staging',
  'idempotency_keys',
  'pins',
])
/** CTEs of one row. */
const SINGLE = new Set(['store', 'held', 'current', 'gate', 'replacement'])

interface State {
  readonly name: string
  readonly isLarge: boolean
  readonly sql: readonly string[]
}

const ANALYZE = 'ANALYZE'
/** The planner takes what a table holds per page from here: a hundred times as many rows in as many pages. */
const PRETEND_MILLIONS = `UPDATE pg_class SET reltuples = ${LARGE * 100}, relpages = greatest(relpages, 1)
  WHERE relkind = 'r' AND relnamespace = 'thermocline'::regnamespace
    AND relname IN (${[...LONG_TABLES].map((table) => `'${table}'`)})`
const FORGET = `DELETE FROM pg_statistic s USING pg_class c
  WHERE c.oid = s.starelid AND c.relnamespace = 'thermocline'::regnamespace`

/** Each follows from the one before it. */
const STATES: readonly State[] = [
  { name: 'empty, without statistics', isLarge: false, sql: [] },
  { name: 'empty, with statistics', isLarge: false, sql: [ANALYZE] },
  { name: 'large, with the statistics of an empty one', isLarge: true, sql: fillSql(LARGE) },
  { name: 'large, with statistics', isLarge: true, sql: [ANALYZE] },
  { name: 'huge, with statistics', isLarge: true, sql: [PRETEND_MILLIONS] },
  { name: 'huge, without statistics', isLarge: true, sql: [FORGET] },
]

/** What is in flight, and dead letters, are few; who erases looks at all of them. Pins are few where they count. */
const ACCEPTED = [
  ...['pin', 'stats'].map((method) => `${method}: reads all of pins`),
  ...['sweep', 'eraseStaged', 'eraseStagedWhere'].map((method) => `${method}: reads all of entry_staging`),
  ...['deadLetters', 'removeDeadLetters', 'retryDeadLetters'].map(
    (method) => `${method}: reads a function for each row: (dead_letters.fields IS NOT NULL)`,
  ),
]

function describePlans(name: string, open: () => Promise<{ recorder: ColdDriver; planner: ColdDriver }>): void {
  describe(`plans of ${name}`, () => {
    let statements: RecordedStatement[]
    let planner: ColdDriver
    beforeAll(async () => {
      const opened = await open()
      planner = opened.planner
      statements = await recordStatements(opened.recorder)
      for (const table of [...LONG_TABLES, 'dead_letters'])
        await planner.query(sql.raw(`TRUNCATE thermocline.${table}`))
    })
    afterAll(() => planner.close())

    it.each(STATES)('$name', async ({ isLarge, sql: changes }) => {
      for (const change of changes) await planner.query(sql.raw(change))
      const faults = new Set<string>()
      for (const { method, statement } of statements) {
        const plan = await planOf(planner, statement)
        for (const fault of faultsOf(plan, readsMuch(method, plan), isLarge)) faults.add(`${method}: ${fault}`)
      }
      for (const fault of ACCEPTED) faults.delete(fault)
      expect([...faults]).toEqual([])
    })
  })
}

function readsMuch(method: string, plan: PlanNode): boolean {
  // How much a snapshot has is counted once, before its pages, each of which reads what it answers.
  return READS_MUCH.has(method) || (method === 'snapshot' && plan['Node Type'] === 'Result')
}

async function planOf(driver: ColdDriver, statement: SQL): Promise<PlanNode> {
  const [row] = await driver.query(sql`EXPLAIN (FORMAT JSON) ${statement}`)
  const plan = row!['QUERY PLAN'] as string | [{ Plan: PlanNode }]
  return (typeof plan === 'string' ? (JSON.parse(plan) as [{ Plan: PlanNode }]) : plan)[0].Plan
}

function faultsOf(root: PlanNode, mayReadMuch: boolean, isLarge: boolean): string[] {
  const faults: string[] = []
  if (root['Total Cost'] > JIT_ABOVE_COST && !mayReadMuch) faults.push(`costs ${root['Total Cost']}`)
  // Where nothing is, nothing is read again and again.
  if (!isLarge) return faults
  const hashed = new Set(
    JSON.stringify(root)
      .match(/hashed SubPlan \d+/g)
      ?.map((name) => name.slice('hashed '.length)),
  )
  visit(root, (node) => {
    const { 'Node Type': type, 'Relation Name': table } = node
    if (type === 'Seq Scan' && !mayReadMuch && LONG_TABLES.has(table!)) faults.push(`reads all of ${table}`)
    if (node['Parent Relationship'] === 'SubPlan' && !hashed.has(node['Subplan Name']!))
      for (const scan of wholeScans(node)) faults.push(`reads ${scan} for each row`)
    if (type !== 'Nested Loop') return
    const [outer, inner] = partsOf(node)
    if (isSingle(outer!)) return
    for (const scan of wholeScans(inner!)) faults.push(`reads ${scan} for each row: ${node['Join Filter'] ?? ''}`)
  })
  return faults
}

/** What a part of a plan reads as a whole each time. */
function wholeScans(root: PlanNode): string[] {
  const found: string[] = []
  const look = (node: PlanNode): void => {
    const { 'Node Type': type, 'Relation Name': table } = node
    if (type === 'Seq Scan' && LONG_TABLES.has(table!)) found.push(table!)
    if (type === 'CTE Scan' && !isSingle(node)) found.push(node['CTE Name']!)
    if (type === 'Function Scan') found.push('a function')
    for (const child of partsOf(node)) look(child)
  }
  look(root)
  return found
}

/** Without what is computed once beside it. */
function partsOf({ Plans: plans = [] }: PlanNode): PlanNode[] {
  return plans.filter((node) => node['Subplan Name'] === undefined)
}

function isSingle(node: PlanNode): boolean {
  return node['Node Type'] === 'Result' || SINGLE.has(node['CTE Name']!)
}

function visit(node: PlanNode, look: (node: PlanNode) => void): void {
  look(node)
  for (const child of node.Plans ?? []) visit(child, look)
}

describePlans('PGlite', async () => {
  const planner = new PgliteDriver(await lendDatabase(), 60_000, silentLogger)
  // One session: it stays open.
  const recorder: ColdDriver = Object.create(planner, { close: { value: async () => {} } })
  for (const method of ['query', 'queryAll', 'build', 'buildIndex', 'copyToStaging', 'migrate'] as const)
    Object.defineProperty(recorder, method, { value: planner[method].bind(planner) })
  return { recorder, planner }
})

// The planners are of one source: `npm test` asks the embedded one, the long run both.
if (isThorough)
  describeWithPostgres('plans on a server', () => {
    let server: PrivatePostgres
    beforeAll(async () => {
      server = await PrivatePostgres.start({ settings: { autovacuum: 'off' } })
    })
    afterAll(() => server[Symbol.asyncDispose]())

    describePlans('Postgres', async () => {
      const options = { dimensions: [], metrics: [], max: 2, migrate: 'auto', timeout: 60_000 } as const
      const open = () => PostgresDriver.connect({ ...options, url: server.url('postgres'), logger: silentLogger })
      return { recorder: await open(), planner: await open() }
    })
  })
