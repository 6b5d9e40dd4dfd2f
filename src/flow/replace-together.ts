/**
 * Hands replacements to cold, those that are waiting at the same time as one statement: so writers of different entries
 * share a round trip and a commit. What cannot be decided together is decided alone, so none depends on another's fate.
 */
import type { ColdTier, Replaced, ReplacedOfMany, Replacement } from '../cold/cold-tier.ts'
import { keyText } from '../entry/entry-key.ts'
import { ATOMIC_LIMITS } from '../entry/limits.ts'
import { contentSize } from '../entry/record.ts'
import { ThermoclineError, unforeseen } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { Coalescer } from '../kernel/coalescer.ts'

/** What takes longer than that holds up no others. Those that share a statement wait for no lock as long as that. */
const TURN_MS = 250
/** What is to be decided sooner than that goes alone, or it would close the gate for the others. */
const ROOM_MS = 1_000

type Verdict = Replaced | ReplacedOfMany

/** Replacements that go together, and what they have of each other's limits. */
interface Measured {
  readonly replacements: readonly Replacement[]
  readonly keys: Set<string>
  /** How many of them are counted. */
  counted: number
  bytes: number
}

export class ReplaceTogether {
  readonly #cold: Pick<ColdTier, 'replace' | 'replaceEach'>
  readonly #clock: Clock
  readonly #waiting = new Coalescer((set: readonly Replacement[]) => this.#decide(set), {
    turnMs: TURN_MS,
    fits: (set, [more]) => this.#fits(set, more!),
  })
  /** Those that are still joined. */
  #open: Measured | undefined

  constructor(cold: Pick<ColdTier, 'replace' | 'replaceEach'>, clock: Clock) {
    this.#cold = cold
    this.#clock = clock
  }

  /** As `ColdTier.replace`. */
  async replace(replacement: Replacement): Promise<Replaced> {
    const goesAlone = replacement.idempotency !== undefined || replacement.until < this.#clock.now() + ROOM_MS
    const [verdict] = goesAlone ? ['apart' as const] : await this.#waiting.call([replacement])
    if (verdict instanceof ThermoclineError) throw verdict
    return verdict === 'apart' ? this.#cold.replace(replacement) : verdict!
  }

  async #decide(set: readonly Replacement[]): Promise<readonly Verdict[]> {
    const [only, ...others] = set as [Replacement, ...Replacement[]]
    try {
      return others.length === 0 ? [await this.#cold.replace(only)] : await this.#cold.replaceEach(set)
    } catch (error) {
      // Of several nothing was written: each gets an error of its own, or none.
      return others.length === 0 ? [unforeseen(error)] : set.map(() => 'apart' as const)
    }
  }

  #fits(replacements: readonly Replacement[], more: Replacement): boolean {
    if (this.#open?.replacements !== replacements)
      this.#open = { replacements, keys: new Set<string>(), counted: 0, bytes: 0 }
    const open = this.#open
    for (; open.counted < replacements.length; open.counted++) {
      const counted = replacements[open.counted]!
      open.bytes += bytesOf(counted)
      for (const key of keysOf(counted)) open.keys.add(key)
    }
    const keys = keysOf(more)
    return (
      replacements[0]?.generationNumber === more.generationNumber &&
      open.keys.size + keys.length <= ATOMIC_LIMITS.operations &&
      open.bytes + bytesOf(more) <= ATOMIC_LIMITS.bytes &&
      !keys.some((key) => open.keys.has(key))
    )
  }
}

function keysOf({ changes }: Replacement): string[] {
  return changes.map(({ record }) => keyText(record))
}

function bytesOf({ changes }: Replacement): number {
  return changes.reduce((sum, { record }) => sum + contentSize(record), 0)
}
