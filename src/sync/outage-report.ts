/**
 * Decides what the logger is told of a tier that is away: one line when it goes, with what that means for calls, then
 * reminders ever more rarely, and one line when it is back. Each failure in between is logged at `debug`. What the
 * database refuses this role is no outage: it is told once for each thing that is refused.
 */
import { isThermoclineError, type ThermoclineError, type TierName, withoutContent } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'

/** The first reminder; each further one comes after twice the time. */
const FIRST_REMINDER_MS = 60_000
const LONGEST_SILENCE_MS = 3_600_000

const GONE = {
  cold: 'the cold tier is away: writes are acknowledged by the log, and refused once `wal.maxPendingBytes` is full; what only cold holds cannot be read',
  hot: 'the hot tier is away: calls go on without it, and take longer; nothing is demoted',
} as const satisfies Record<TierName, string>

const DENIED =
  'the database refuses this role what the store needs: syncs fail until what `npx thermocline doctor` names is granted'
const INSUFFICIENT_PRIVILEGE = '42501'

interface Outage {
  readonly since: number
  remindAt: number
  silence: number
}

export class OutageReport {
  readonly #logger: Logger
  readonly #now: () => number
  readonly #outages = new Map<TierName, Outage>()
  /** Messages of what was refused. */
  readonly #denials = new Set<string>()

  /** @param now Milliseconds, rising. */
  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger
    this.#now = now
  }

  isAway(tier: TierName): boolean {
    return this.#outages.has(tier)
  }

  /** Returns whether the error is that of a tier that is away, or refuses us something: then it has been told. */
  note(error: unknown): boolean {
    if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) return false
    if (isDenial(error)) this.#isDenied(error)
    else this.isGone(error.details.tier, error)
    return true
  }

  /** A run in the background failed with this error. */
  report(error: unknown): void {
    if (this.note(error)) return
    this.#logger.error({ err: withoutContent(error) }, 'a background run failed; it will be tried again')
  }

  /** @param error Why, where it is known. */
  isGone(tier: TierName, error?: unknown): void {
    const why = error === undefined ? {} : { err: withoutContent(error) }
    const now = this.#now()
    const outage = this.#outages.get(tier)
    if (outage === undefined) {
      this.#outages.set(tier, { since: now, remindAt: now + FIRST_REMINDER_MS, silence: FIRST_REMINDER_MS })
      this.#logger.error({ tier, ...why }, GONE[tier])
    } else if (now >= outage.remindAt) {
      outage.silence = Math.min(2 * outage.silence, LONGEST_SILENCE_MS)
      outage.remindAt = now + outage.silence
      this.#logger.error({ tier, awayMs: Math.round(now - outage.since), ...why }, `the ${tier} tier is still away`)
    } else this.#logger.debug({ tier, ...why }, `the ${tier} tier is still away`)
  }

  #isDenied(error: ThermoclineError<'ERR_TIER_UNAVAILABLE'>): void {
    const { message, details } = error
    const isKnown = this.#denials.has(message)
    this.#denials.add(message)
    this.#logger[isKnown ? 'debug' : 'error']({ tier: details.tier, err: error }, DENIED)
  }

  /** The tier has answered. */
  isBack(tier: TierName): void {
    const outage = this.#outages.get(tier)
    if (outage === undefined) return
    this.#outages.delete(tier)
    this.#logger.info({ tier, awayMs: Math.round(this.#now() - outage.since) }, `the ${tier} tier is back`)
  }
}

function isDenial({ cause }: ThermoclineError): boolean {
  return (cause as { readonly code?: unknown } | undefined)?.code === INSUFFICIENT_PRIVILEGE
}
