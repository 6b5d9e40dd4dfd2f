/**
 * Coordinates the processes of a store: one of them leads, and so demotes, sweeps and indexes on schedule (its lease:
 * lease.ts); the logs of dead ones are adopted; each records from time to time that it lives; and all go by the
 * database's time.
 */
import { withoutContent } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { DatabaseClock } from './database-clock.ts'
import type { Lease } from './lease.ts'

export interface PeersParts {
  /** Held by the one that leads. */
  readonly lease: Lease
  readonly time: Pick<DatabaseClock, 'isDue' | 'measure'>
  /** Ships and retires logs whose process is gone, until the signal fires. */
  readonly adoptLogs: (signal: AbortSignal) => Promise<void>
  readonly logger: Logger
}

/** How often a process says that its log is alive although there is nothing to ship. */
const HEARTBEAT_MS = 30_000

export class Peers {
  readonly #parts: PeersParts
  #isLeader = false
  #heartbeatAt = performance.now()

  constructor(parts: PeersParts) {
    this.#parts = parts
  }

  adoptLogs(signal: AbortSignal): Promise<void> {
    return this.#parts.adoptLogs(signal)
  }

  /** Whether this process leads from now on. Two leaders at once would do no harm. */
  async lead(): Promise<boolean> {
    const { lease, logger } = this.#parts
    if (!(await lease.hold())) {
      if (this.#isLeader) logger.warn({}, 'another process syncs now')
      this.#isLeader = false
      return false
    }
    if (!this.#isLeader) logger.info({}, 'this process syncs from now on')
    this.#isLeader = true
    lease.keep(() => {
      this.#isLeader = false
    })
    return true
  }

  /** Lets another process lead. */
  async resign(): Promise<void> {
    this.#isLeader = false
    await this.#parts.lease.release()
  }

  get isHeartbeatDue(): boolean {
    return performance.now() - this.#heartbeatAt >= HEARTBEAT_MS
  }

  noteHeartbeat(): void {
    this.#heartbeatAt = performance.now()
  }

  get isTimeDue(): boolean {
    return this.#parts.time.isDue
  }

  /** A database that is away is measured later. */
  async measureTime(): Promise<void> {
    try {
      await this.#parts.time.measure()
    } catch (error) {
      this.#parts.logger.debug({ err: withoutContent(error) }, 'the time of the database was not measured')
    }
  }
}
