/**
 * Tells where each log stands from which a database still expects records, or that is in the data folder: who writes
 * it, and how much it has not shipped. While a log is registered, no tombstone is collected that its records may be
 * older than.
 */
import { dirname } from 'node:path'
import type { ColdTier, RegisteredLog } from '../cold/cold-tier.ts'
import type { Journal } from '../flow/journal.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { Checkpointer } from '../sync/checkpointer.ts'
import { type LogBirth, LogFolder } from '../wal/log-folder.ts'
import { placeOf } from './data-folder.ts'

/** A log from which the database still expects records, or that is in the data folder. */
export interface LogStanding {
  /** UUID of the log. */
  readonly walId: string
  /** Counts its owners. */
  readonly epoch: number
  /** The database has every record of it up to here. */
  readonly sequence: number
  /** Host and folder of its files; undefined where its owner named none, as of a log in memory. */
  readonly place: string | undefined
  /**
   * When its owner last gave a sign of life, by the clock of the database, and how many milliseconds ago. Where the
   * database does not know it: when it began, by that of this machine.
   */
  readonly heartbeatAt: Date
  readonly heartbeatAgeMs: number
  /** Whether the database knows it; it lacks whatever another one holds. */
  readonly isRegistered: boolean
  /** Whether this process can read it: it is its own, or in its data folder. */
  readonly isHere: boolean
  /** Records of it that the database does not have; undefined where it is not here. */
  readonly owed: number | undefined
  /** Whether its files have lost records; undefined likewise. */
  readonly isDamaged: boolean | undefined
  /** Whether a process that lives has it; undefined likewise. */
  readonly isOwned: boolean | undefined
}

type Debt = Pick<LogStanding, 'owed' | 'isDamaged' | 'isOwned'>

/** By a look at its files, which know their epoch. */
type FoundDebt = Debt & Pick<LogStanding, 'epoch'>

/**
 * A log that was not heard of for so long has no living owner, which says that it lives every half minute
 * (`HEARTBEAT_MS` of sync/peers.ts).
 */
export const SILENT_MS = 120_000

/** Of a log that is gone since it was listed. */
const NO_DEBT = { owed: 0, isDamaged: false, isOwned: false } as const

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

  /** The one not heard of for longest first; then those of its folder that the database does not know. */
  list(patience: Patience): Promise<LogStanding[]> {
    return withDeadline(this.#list(), patience)
  }

  async #list(): Promise<LogStanding[]> {
    const { cold, journal, checkpointer, wal } = this.#parts
    const logs = await cold.logs()
    const { walId, lastSequence } = journal.log
    // Without a look at its files, to which it writes.
    const owed = Math.max(0, lastSequence - checkpointer.sequence)
    const own = { owed, isDamaged: false, isOwned: true }
    return standingsOf(logs, wal === undefined ? undefined : new LogFolder(wal), new Map([[walId, own]]))
  }
}

/**
 * Those that the database knows in the same order, then those of the folder that it does not know: it was away when
 * they began, was set back to before, or was told that they are lost.
 * @param known debts of registered ones that need no look at files.
 */
export async function standingsOf(
  logs: readonly RegisteredLog[],
  folder: LogFolder | undefined,
  known: ReadonlyMap<string, Debt> = new Map(),
): Promise<LogStanding[]> {
  const births = new Map((await folder?.births())?.map(({ walId, at }) => [walId, at]))
  const standings: LogStanding[] = []
  for (const log of logs) {
    const { walId, sequence } = log
    const isHere = births.delete(walId)
    const look = () => debtOf(walId, sequence, folder!, { isRegistered: true })
    const debt = known.get(walId) ?? (isHere ? ((await look()) ?? NO_DEBT) : undefined)
    standings.push(registered(log, debt))
  }
  for (const [walId, at] of births) {
    const debt = await debtOf(walId, 0, folder!, { isRegistered: false })
    if (debt !== undefined) standings.push(unregistered({ walId, at }, debt, folder!))
  }
  return standings
}

function registered(log: RegisteredLog, debt: Debt | undefined): LogStanding {
  const { walId, epoch, sequence, place, heartbeatAt, heartbeatAgeMs } = log
  return {
    ...{ walId, epoch, sequence, place, heartbeatAt: new Date(heartbeatAt), heartbeatAgeMs },
    ...{ isRegistered: true, isHere: debt !== undefined },
    ...{ owed: debt?.owed, isDamaged: debt?.isDamaged, isOwned: debt?.isOwned },
  }
}

function unregistered({ walId, at }: LogBirth, debt: FoundDebt, folder: LogFolder): LogStanding {
  const heartbeatAgeMs = Math.max(0, Math.round(Date.now() - at))
  return {
    ...{ walId, sequence: 0, place: placeOf(dirname(folder.path)) },
    ...{ heartbeatAt: new Date(at), heartbeatAgeMs, isRegistered: false, isHere: true, ...debt },
  }
}

/**
 * Undefined where the log is gone: its owner has shipped it to its end and removed it since it was listed. That files
 * are missing from the checkpoint on is damage, unless an owner that lives may have moved that since it was read.
 */
function debtOf(
  walId: string,
  shipped: number,
  folder: LogFolder,
  { isRegistered }: Pick<LogStanding, 'isRegistered'>,
): Promise<FoundDebt | undefined> {
  return folder.readBesideOwner(async () => {
    const isOwned = await folder.isOwned(walId)
    if (!(await folder.list()).includes(walId)) return undefined
    const scan = folder.scan(walId, { salvage: true, ...(isRegistered && !isOwned && { afterSequence: shipped }) })
    let owed = 0
    for await (const { sequence } of scan) if (sequence > shipped) owed++
    const { damage, epoch, closed } = scan.report
    const isDamaged = damage.length > 0
    // A log is closed once all of it was shipped, also where its process died before it removed it.
    return { epoch, owed: closed && !isDamaged ? 0 : owed, isDamaged, isOwned }
  })
}
