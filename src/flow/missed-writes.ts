/**
 * Records this process's writes that cold has and of which hot may hold something older: hot was away or full when they
 * were made, or became another generation. They have left pending. So until hot is repaired (sync/hot-repair.ts), a
 * read that finds something older in hot asks cold. When too many of them accumulate, reads bypass hot altogether until
 * nothing is left to repair (rule G7 of flow/README.md).
 */
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { Version } from '../entry/version.ts'

/** Most keys to remember, some megabytes of them: beyond, reads pass hot by. */
const MAX_KEYS = 50_000

export class MissedWrites {
  readonly #maxKeys: number
  readonly #missed = new Map<string, { readonly version: Version; readonly added: number }>()
  /** Counts additions, so that what came while cold was asked is told from what came before. */
  #added = 0
  #bypassedAt: number | undefined

  constructor(maxKeys = MAX_KEYS) {
    this.#maxKeys = maxKeys
  }

  /** Whether hot is not to be believed at all. */
  get isBypassing(): boolean {
    return this.#bypassedAt !== undefined
  }

  /** Stands for everything added so far; it is handed to {@link repaired}. */
  get mark(): number {
    return this.#added
  }

  /** Cold has this version of the key or a newer one, and a row in `hot_misses`. What is known of a newer one stays. */
  add(key: EntryKey, missed: Version): void {
    const added = ++this.#added
    const name = keyText(key)
    const known = this.#missed.get(name)?.version
    const version = known !== undefined && known > missed ? known : missed
    if (this.#bypassedAt !== undefined || (this.#missed.size >= this.#maxKeys && !this.#missed.has(name))) this.bypass()
    else this.#missed.set(name, { version, added })
  }

  /** Nothing in hot is believed until nothing is left to repair. */
  bypass(): void {
    this.#bypassedAt = ++this.#added
    this.#missed.clear()
  }

  /**
   * What hot must answer at least to be believed; take it before hot is asked, for it is forgotten once hot is
   * repaired.
   */
  leastVersion(key: EntryKey): Version | undefined {
    return this.#missed.size === 0 ? undefined : this.#missed.get(keyText(key))?.version
  }

  /** Cold had no row left to repair, asked after `mark` was taken. */
  repaired(mark: number): void {
    if (this.#bypassedAt !== undefined && this.#bypassedAt <= mark) this.#bypassedAt = undefined
    for (const [key, { added }] of this.#missed) if (added <= mark) this.#missed.delete(key)
  }
}
