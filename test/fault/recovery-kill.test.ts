/**
 * Processes that recover a folder with its embedded database are killed with -9, before a step or in the midst of it,
 * again and again; what is left in the end is what one undisturbed recovery leaves. `recovery-steps.test.ts` goes
 * through every step, without processes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { budget, longTest } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import type { RecordedLog } from '../wal/recorded-log.ts'
import { queryDatabase } from './edit-database.ts'
import { damage, recordLog, tear } from './recovery-logs.ts'
import { pick, randomFrom } from './seeded-random.ts'

const CHAINS = budget({ short: 1, long: 1 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
/** More than one batch. */
const WRITES = 1_080
const CHILD = join(import.meta.dirname, 'recovery-child.ts')

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

interface Kill {
  /** Before this step, from 1 … */
  readonly step: number
  /** … or so long after it began. */
  readonly milliseconds: number
}

/** Answers what it printed; undefined where it was killed before. */
async function recover(dir: string, acceptLoss: boolean, kill?: Kill): Promise<{ steps: number } | undefined> {
  const args = [dir, kill?.step ?? 0, kill?.milliseconds ?? 0, acceptLoss ? 'accept-loss' : '']
  const child = spawn(process.execPath, [compiled(CHILD), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    printed += data
  })
  const [code, signal] = await once(child, 'close')
  if (signal === 'SIGKILL' && kill !== undefined) return undefined
  expect({ code, signal }).toEqual({ code: 0, signal: null })
  return JSON.parse(printed)
}

async function outcome(dir: string): Promise<unknown> {
  const [row] = await queryDatabase(
    dir,
    `SELECT (SELECT md5(jsonb_agg(to_jsonb(e) ORDER BY namespace, id)::text) FROM thermocline.memory_entries e) AS entries,
       (SELECT count(*)::int4 FROM thermocline.memory_entries) AS count,
       (SELECT count(*)::int4 FROM thermocline.wal_checkpoints) AS logs,
       (SELECT count(*)::int4 FROM thermocline.dead_letters) AS dead_letters`,
  )
  const quarantine = await readdir(join(dir, 'quarantine'), { recursive: true }).catch(() => [])
  return { row, wal: await readdir(join(dir, 'wal')), quarantine: quarantine.sort() }
}

async function folderWith(log: RecordedLog): Promise<string> {
  const dir = await template.copy()
  await log.layOut(join(dir, 'wal'))
  return dir
}

const VARIANTS = [
  { name: 'a torn log', spoil: tear, acceptLoss: false },
  { name: 'a damaged log', spoil: damage, acceptLoss: true },
]

longTest.each(VARIANTS)(
  `$name: killed again and again (${CHAINS} times, FAULT_SEED=${SEED})`,
  { timeout: 3_600_000 },
  async ({ spoil, acceptLoss }) => {
    const log = await recordLog(WRITES)
    spoil(log)
    const undisturbed = await folderWith(log)
    const { steps } = (await recover(undisturbed, acceptLoss))!
    const expected = await outcome(undisturbed)
    await rm(undisturbed, { recursive: true })

    const random = randomFrom(SEED)
    for (let chain = 0; chain < CHAINS; chain++) {
      const dir = await folderWith(log)
      const kills: Kill[] = []
      for (let times = pick(random, 1, 3); times > 0; times--) {
        const kill = { step: pick(random, 1, steps), milliseconds: random() < 0.5 ? 0 : pick(random, 1, 30) }
        kills.push(kill)
        await recover(dir, acceptLoss, kill)
      }
      await recover(dir, acceptLoss)
      expect(await outcome(dir), JSON.stringify(kills)).toEqual(expected)
      await rm(dir, { recursive: true })
    }
  },
)
