/**
 * Tells where each log stands from which a database still expects records: who writes it, and how much it has not
 * shipped. While a log is registered, no tombstone is collected that its records may be older than.
 */
import type { ColdTier, RegisteredLog } from '../cold/cold-tier.ts'
import type { Journal } from '../flow/journal.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { Checkpointer } from '../sync/checkpointer.ts'
import { LogFolder } from '../wal/log-folder.ts'

/** A log from which the database still expects records. */
export interface LogStanding {
  /** UUID of the log. */
  readonly walId: string
  /** Counts its owners. */
  readonly epoch: number
  /** The database has every record of it up to here. */
  readonly sequence: number
  /** Host and folder of its files; undefined where its owner named none, as of a log in memory. */
  readonly place: string | undefined
  /** When its owner last gave a sign of life, by the clock of the database, and how many milliseconds ago. */
  readonly heartbeatAt: Date
  readonly heartbeatAgeMs: number
  /** Whether this process can read it: it is its own, or in its data folder. */
  readonly isHere: boolean
  /** Records of it that the database does not have; undefined where it is not here. */
  readonly owed: number | undefined
  /** Whether its files have lost records; undefined likewise. */
  readonly isDamaged: boolean | undefined
}

type Debt = Pick<LogStanding, 'owed' | 'isDamaged'>

export interface StoreLogsParts {
  readonly cold: Pick<ColdTier, 'logs'>
  readonly journal: Journal
  readonly checkpointer: Pick<Checkpointer, 'sequence'>
  /** Folder of the logs; undefined: everything is in memory. */
  readonly wal: string | undefined
}

/** The logs of a store that is open. */
export class StoreLogs {
  readonly #parts: StoreLogsParts

  constructor(parts: StoreLogsParts) {
    this.#parts = parts
  }

  /** The one not heard of for longest first. */
  list(patience: Patience): Promise<LogStanding[]> {
    return withDeadline(this.#list(), patience)
  }

  async #list(): Promise<LogStanding[]> {
    const { cold, journal, checkpointer, wal } = this.#parts
    const logs = await cold.logs()
    const { walId, lastSequence } = journal.log
    // Without a look at its files, to which it writes.
    const own: Debt = { owed: Math.max(0, lastSequence - checkpointer.sequence), isDamaged: false }
    return standingsOf(logs, wal === undefined ? undefined : new LogFolder(wal), new Map([[walId, own]]))
  }
}

/**
 * In the same order.
 * @param known debts that need no look at files.
 */
export async function standingsOf(
  logs: readonly RegisteredLog[],
  folder: LogFolder | undefined,
  known: ReadonlyMap<string, Debt> = new Map(),
): Promise<LogStanding[]> {
  const here = new Set(await folder?.list())
  const standings: LogStanding[] = []
  for (const { walId, epoch, sequence, place, heartbeatAt, heartbeatAgeMs } of logs) {
    const debt = known.get(walId) ?? (here.has(walId) ? await debtOf(walId, sequence, folder!) : undefined)
    standings.push({
      ...{ walId, epoch, sequence, place, heartbeatAt: new Date(heartbeatAt), heartbeatAgeMs },
      ...{ isHere: debt !== undefined, owed: debt?.owed, isDamaged: debt?.isDamaged },
    })
  }
  return standings
}

function debtOf(walId: string, shipped: number, folder: LogFolder): Promise<Debt> {
  return folder.readBesideOwner(async () => {
    // Its owner has shipped it to its end and removed it since it was listed.
    if (!(await folder.list()).includes(walId)) return { owed: 0, isDamaged: false }
    const scan = folder.scan(walId, { salvage: true })
    let owed = 0
    for await (const { sequence } of scan) if (sequence > shipped) owed++
    return { owed, isDamaged: scan.report.damage.length > 0 }
  })
}
