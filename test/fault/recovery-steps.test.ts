/**
 * A recovery that ends at any of its steps, and one that ends again while it goes on, leave what one undisturbed
 * recovery leaves. Everything runs in this process: from the chosen step on nothing is done any more.
 * `recovery-kill.test.ts` does the same by killing processes.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ColdStore } from '../../src/cold/cold-store.ts'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import type { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../src/cold/pglite/pglite-driver.ts'
import { startPglite } from '../../src/cold/pglite/start-pglite.ts'
import { VersionClock } from '../../src/entry/version.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { openLog, retireLog } from '../../src/recovery/adopt-logs.ts'
import { type LogRecovery, recoverFolder } from '../../src/recovery/recover-folder.ts'
import { versionOf } from '../../src/testkit/contract/cold-records.ts'
import { MARK_FILE, readMark } from '../../src/wal/durable-mark.ts'
import { filesIn } from '../../src/wal/log-files.ts'
import { OWNER_FILE } from '../../src/wal/log-owner.ts'
import { budget, isThorough, stepsToTry } from '../tools/budget.ts'
import type { RecordedLog } from '../wal/recorded-log.ts'
import { damage, layOut, recordLog, SEGMENT_BYTES, tear, WRITES, writeOf } from './recovery-logs.ts'
import { interceptSteps } from './recovery-steps.ts'
import { pick, randomFrom } from './seeded-random.ts'
import { shipInSmallBatches } from './small-batches.ts'

const CHAINS = budget({ short: 1, long: 3 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const LOG_OPTIONS = { segmentBytes: SEGMENT_BYTES, lockTimeout: 0, logger: silentLogger }

shipInSmallBatches()

interface Variant {
  readonly name: string
  readonly logs: readonly RecordedLog[]
  /** Writes of the first log that its owner had shipped. */
  readonly shipped: number
  readonly acceptLoss: boolean
}

/** What is there when nothing more is under way. */
interface Outcome {
  readonly database: unknown
  /** Name and content of every file of the logs, where anything is left of them. */
  readonly files: readonly string[]
}

let root: string
let client: PgliteClient
const variants = new Map<string, Variant>()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thermocline-recovery-'))
  client = await startPglite({ dir: undefined, migrate: 'auto' })
  await openCold('auto')
  const recorded = await recordLog(WRITES)
  const small = await recordLog(3)
  const torn = recorded.copy()
  tear(torn)
  const damaged = recorded.copy()
  damage(damaged)
  const common = { shipped: 0, acceptLoss: false }
  for (const variant of [
    { ...common, name: 'two whole logs', logs: [recorded, small] },
    { ...common, name: 'a torn tail behind what was shipped', logs: [torn], shipped: 30 },
    { ...common, name: 'damage', logs: [damaged] },
    { ...common, name: 'damage whose loss is accepted', logs: [damaged], acceptLoss: true },
    { ...common, name: 'damage in what was shipped', logs: [damaged], shipped: 60 },
  ])
    variants.set(variant.name, variant)
})
afterAll(async () => {
  await client.close()
  await rm(root, { recursive: true, force: true })
})

/** As a process that has just started. */
function openCold(mode: 'auto' | 'check' = 'check'): Promise<ColdTier> {
  const driver = new PgliteDriver(client, 60_000, silentLogger)
  return ColdStore.open(driver, { mode, dimensions: [], metrics: [], logger: silentLogger })
}

/** The logs as their dead owners left them, and a database that has what they had shipped. */
async function begin({ logs, shipped }: Variant): Promise<void> {
  await layOut(logs, join(root, 'wal'))
  await rm(join(root, 'quarantine'), { recursive: true, force: true })
  const [row] = (
    await client.query(
      `SELECT string_agg(format('thermocline.%I', table_name), ', ') AS tables FROM information_schema.tables
       WHERE table_schema = 'thermocline' AND table_type = 'BASE TABLE' AND table_name NOT IN ('migrations', 'store_identity')`,
    )
  ).rows
  await client.exec(`TRUNCATE ${String(row!.tables)}`)
  const cold = await openCold()
  for (const { walId } of logs) await cold.takeOver(walId, 1)
  if (shipped === 0) return
  const newest = new Map(Array.from({ length: shipped }, (_, i) => writeOf(i + 1)).map((write) => [write.id, write]))
  const records = [...newest.values()]
  const batch = { walId: logs[0]!.walId, epoch: 1, from: 0, to: shipped, records, shippedVersion: versionOf(0) }
  expect(await cold.ship(batch)).toMatchObject({ status: 'moved' })
}

async function outcome(): Promise<Outcome> {
  const { rows } = await client.query(
    `SELECT (SELECT jsonb_agg(to_jsonb(e) ORDER BY namespace, id) FROM thermocline.memory_entries e) AS entries,
       (SELECT jsonb_agg(c.sequence ORDER BY wal_id) FROM thermocline.wal_checkpoints c) AS checkpoints,
       (SELECT jsonb_agg(jsonb_build_array(first_sequence, last_sequence, reason) ORDER BY first_sequence)
        FROM thermocline.accepted_losses) AS losses,
       (SELECT count(*)::int4 FROM thermocline.dead_letters) AS dead_letters`,
  )
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  // The owner's token is another for each process that opened the log.
  const names = entries.filter((entry) => entry.isFile() && entry.name !== OWNER_FILE)
  const locks = entries.filter(({ name, parentPath }) => name === 'lock' && !parentPath.includes('/wal/'))
  expect(locks, 'a lock in the quarantine').toEqual([])
  const files = names.map(async ({ parentPath, name }) => {
    const content = name === MARK_FILE ? await marked(parentPath) : await readFile(join(parentPath, name), 'latin1')
    return `${parentPath.slice(root.length)}/${name} ${content}`
  })
  return { database: rows[0], files: (await Promise.all(files)).sort() }
}

/** Each recovery notes an epoch of its own there. */
async function marked(folder: string): Promise<string> {
  const { segment, offset, sequence } = (await readMark(filesIn(folder), basename(folder)))!
  return JSON.stringify({ segment, offset, sequence })
}

/**
 * Runs as far as to the n-th step, from 1; answers undefined where it ended there, else what it answered.
 * @param n Infinity: to the end.
 */
async function upTo<T>(
  n: number,
  work: (cold: ColdTier) => Promise<T>,
): Promise<{ steps: string[]; answer: T | undefined }> {
  const cold = await openCold()
  const steps: string[] = []
  let hasEnded = false
  const undo = interceptSteps((step) => {
    if (hasEnded || steps.length + 1 >= n) {
      hasEnded = true
      throw new Error('nothing is done any more')
    }
    steps.push(step)
  })
  try {
    const answer = await work(cold)
    return { steps, answer: hasEnded ? undefined : answer }
  } catch (error) {
    if (!hasEnded) throw error
    return { steps, answer: undefined }
  } finally {
    undo()
  }
}

function recover(cold: ColdTier, { acceptLoss }: Variant): Promise<LogRecovery[]> {
  return recoverFolder({
    wal: { dir: join(root, 'wal'), ...LOG_OPTIONS },
    quarantine: join(root, 'quarantine'),
    cold,
    logger: silentLogger,
    acceptLoss,
  })
}

/** Opens as a store does, and then closes as a store does that has nothing left to ship. */
async function openAndClose(cold: ColdTier): Promise<number> {
  const versions = new VersionClock(systemClock)
  const wal = { dir: join(root, 'wal'), ...LOG_OPTIONS, onDurable: () => {} }
  const { log, checkpoint } = await openLog({ wal, cold, versions, logger: silentLogger })
  try {
    expect(checkpoint).toBe(log.lastSequence)
  } finally {
    await retireLog(log, cold)
  }
  return checkpoint
}

/**
 * What every log was found to hold, however much of it was in cold by then, and whatever a recovery had left
 * unfinished.
 */
function findings(recoveries: readonly LogRecovery[]): unknown[] {
  return recoveries.map((recovery) => {
    if (!('records' in recovery)) throw new Error(recovery.outcome)
    const { shipped, alreadyInCold, replaced, tornTail: _, ...found } = recovery
    expect(shipped + alreadyInCold + replaced + found.rejected).toBe(found.records)
    return found
  })
}

/** What one recovery does and leaves that nothing disturbs. */
async function recoverUndisturbed(variant: Variant): Promise<{ steps: number; found: unknown[]; left: Outcome }> {
  await begin(variant)
  const { steps, answer } = await upTo(Infinity, (cold) => recover(cold, variant))
  return { steps: steps.length, found: findings(answer!), left: await outcome() }
}

const ONE_LOG = [
  'a torn tail behind what was shipped',
  'damage',
  'damage whose loss is accepted',
  'damage in what was shipped',
]

test.each(ONE_LOG)('%s: ended at each step, the next one leaves the same', async (name) => {
  const variant = variants.get(name)!
  const { steps, found, left } = await recoverUndisturbed(variant)
  for (const n of stepsToTry(steps, SEED)) {
    await begin(variant)
    expect((await upTo(n, (cold) => recover(cold, variant))).answer).toBeUndefined()
    // What an ended recovery was done with is not reported any more.
    expect(found).toEqual(expect.arrayContaining(findings(await recover(await openCold(), variant))))
    expect(await outcome()).toEqual(left)
  }
  if (isThorough) console.info(`${name}: ended at each of ${steps} steps`)
})

test.each([...ONE_LOG, 'two whole logs'])(
  `%s: ended again and again (${CHAINS} times, FAULT_SEED=${SEED})`,
  { timeout: 3_600_000 },
  async (name) => {
    const random = randomFrom(SEED)
    const variant = variants.get(name)!
    const { steps, found, left } = await recoverUndisturbed(variant)
    for (let chain = 0; chain < CHAINS; chain++) {
      await begin(variant)
      for (let times = pick(random, 2, 6); times > 0; times--)
        await upTo(pick(random, 1, steps), (cold) => recover(cold, variant))
      expect(found).toEqual(expect.arrayContaining(findings(await recover(await openCold(), variant))))
      expect(await outcome()).toEqual(left)
      await recover(await openCold(), variant)
      expect(await outcome()).toEqual(left)
    }
  },
)

test('a store that ends at each step of opening or closing opens later with everything', async () => {
  const variant = variants.get('a torn tail behind what was shipped')!
  await begin(variant)
  const { steps, answer } = await upTo(Infinity, openAndClose)
  expect(answer).toBe(WRITES)
  const left = await outcome()
  for (const n of stepsToTry(steps.length, SEED)) {
    await begin(variant)
    await upTo(n, openAndClose)
    await openAndClose(await openCold())
    expect(await outcome()).toEqual(left)
  }
  if (isThorough) console.info(`opening and closing: ended at each of ${steps.length} steps`)
})
