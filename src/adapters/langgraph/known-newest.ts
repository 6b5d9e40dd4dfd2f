/**
 * Remembers which checkpoint was the newest of a namespace when this process last read or wrote that. It is a guess,
 * never an answer: the next call reads or writes by it at once what it would otherwise have to learn first, and learns
 * so whether it was right.
 */
import type { MetadataEntry, NamespaceView } from '../../index.ts'
import { nameOf } from './checkpoint-places.ts'

/** The id of a checkpoint, and the version of the entry that says that it is the newest. */
export interface Newest {
  readonly checkpoint: string
  readonly version: string
}

/** Namespaces, those of which it was read or written last: a process serves many threads, a few at a time. */
const MOST = 1_000

export class KnownNewest {
  readonly #known = new Map<string, Newest>()

  of({ path }: NamespaceView): Newest | undefined {
    return this.#known.get(path)
  }

  note({ path }: NamespaceView, newest: Newest): void {
    this.#known.delete(path)
    this.#known.set(path, newest)
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value!)
  }

  /** Notes what was read, and returns it; undefined where there is no checkpoint. */
  found(view: NamespaceView, entry: Pick<MetadataEntry, 'metadata' | 'version'> | undefined): Newest | undefined {
    if (entry === undefined) {
      this.#known.delete(view.path)
      return undefined
    }
    const newest = { checkpoint: nameOf(entry.metadata.newest as string), version: entry.version }
    this.note(view, newest)
    return newest
  }
}
