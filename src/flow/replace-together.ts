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

/** What waits for the lock of a row longer than that holds up those that share its statement, and no others. */
const TURN_MS = 250
/** What is to be decided sooner than that goes alone, or it would close the gate for the others. */
const ROOM_MS = 1_000

type Verdict = Replaced | ReplacedOfMany

export class ReplaceTogether {
  readonly #cold: Pick<ColdTier, 'replace' | 'replaceEach'>
  readonly #clock: Clock
  readonly #waiting = new Coalescer((replacements: readonly Replacement[]) => this.#decide(replacements), {
    turnMs: TURN_MS,
  })

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

  async #decide(replacements: readonly Replacement[]): Promise<Verdict[]> {
    const verdicts = new Map<Replacement, Verdict>()
    const decideAll = setsOf(replacements).map(async (set) => {
      const decided = set.length === 1 ? [await this.#decideOne(set[0]!)] : await this.#decideEach(set)
      for (const [i, replacement] of set.entries()) verdicts.set(replacement, decided[i]!)
    })
    await Promise.all(decideAll)
    return replacements.map((replacement) => verdicts.get(replacement)!)
  }

  async #decideOne(replacement: Replacement): Promise<Verdict> {
    try {
      return await this.#cold.replace(replacement)
    } catch (error) {
      return unforeseen(error)
    }
  }

  async #decideEach(set: readonly Replacement[]): Promise<readonly Verdict[]> {
    try {
      return await this.#cold.replaceEach(set)
    } catch {
      // Nothing was written: each gets an error of its own, or none.
      return set.map(() => 'apart' as const)
    }
  }
}

/** Sets that go together. */
function setsOf(replacements: readonly Replacement[]): Replacement[][] {
  const sets: { readonly members: Replacement[]; readonly keys: Set<string>; bytes: number }[] = []
  for (const replacement of replacements) {
    const keys = replacement.changes.map(({ record }) => keyText(record))
    const bytes = replacement.changes.reduce((sum, { record }) => sum + contentSize(record), 0)
    const found = sets.find(
      (set) =>
        set.members[0]!.generationNumber === replacement.generationNumber &&
        set.keys.size + keys.length <= ATOMIC_LIMITS.operations &&
        set.bytes + bytes <= ATOMIC_LIMITS.bytes &&
        !keys.some((key) => set.keys.has(key)),
    )
    const set = found ?? { members: [], keys: new Set<string>(), bytes: 0 }
    if (found === undefined) sets.push(set)
    set.members.push(replacement)
    set.bytes += bytes
    for (const key of keys) set.keys.add(key)
  }
  return sets.map(({ members }) => members)
}
