/** What the processes of atomic-child.ts write, and what a store may have of it: all of one write, or of another. */
import { expect } from 'vitest'
import type { MemoryEntry, MemoryRepository, MemoryStore, Operation } from '../../src/index.ts'

export const DOCUMENT = 'document of'
/** Set that all writers write to. */
export const SHARED = 'shared'
const KEYS = 8

interface Stamp {
  readonly by: string
  readonly n: number
}

const keysOf = (set: string): string[] => Array.from({ length: KEYS }, (_, i) => `${set} ${i}`)

/** Puts all entries of a set but one, which it deletes. */
export function bundleOf(entries: MemoryRepository, set: string, by: string, n: number): Operation[] {
  return keysOf(set).map((key, i) => {
    if (i === n % KEYS) return { delete: entries.idOf(key) }
    return { put: { kind: 'metadata', key, metadata: { by, n, padding: 'x'.repeat((n * 97) % 700) } } }
  })
}

/** Two chunks stay, and others come and go. */
export function textsOf(n: number): string[] {
  return ['first', ...Array.from({ length: 3 + (n % 3) }, (_, i) => `line ${i} of ${n}`), 'last']
}

/** How far a writer came, by its lines. */
export class Told {
  readonly writer: string
  readonly #numbers = new Map<string, { begun: number; acknowledged: number }>()

  constructor(writer: string) {
    this.writer = writer
  }

  see(line: string): void {
    const [what, about, n] = line.split(' ') as [string, string, string]
    const numbers = this.#numbers.get(about) ?? { begun: 0, acknowledged: 0 }
    if (what === 'begin') numbers.begun = Number(n)
    else numbers.acknowledged = Number(n)
    this.#numbers.set(about, numbers)
  }

  /** @param before What the store had before this writer began; undefined: whatever is whole. */
  #possible(about: string, before: number | undefined): unknown[] {
    const { begun = 0, acknowledged = 0 } = this.#numbers.get(about) ?? {}
    return acknowledged > 0 ? [acknowledged, begun] : [before, begun]
  }

  /** Each way of reading it finds one write of a set, whole, and the last that was acknowledged or the one after it. */
  async verify(store: MemoryStore, known: Known, replay: string): Promise<void> {
    const stamp = await stampOf(store, this.writer, replay)
    expect(this.#possible('own', known.own), `own of ${this.writer}, ${replay}`).toContain(stamp?.n)
    await stampOf(store, SHARED, replay)
    const n = await documentOf(store, this.writer, replay)
    expect(this.#possible('document', known.document), `document of ${this.writer}, ${replay}`).toContain(n)
    Object.assign(known, { own: stamp?.n, document: n })
  }
}

/** Numbers of what a store has of one writer. */
export interface Known {
  own?: number | undefined
  document?: number | undefined
}

/** Which write a set is of; undefined where there is nothing of it. */
async function stampOf(store: MemoryStore, set: string, replay: string): Promise<Stamp | undefined> {
  const keys = keysOf(set)
  const { items } = await store.metadata.find({ where: { key: { in: keys } }, limit: KEYS })
  const found = new Map(items.map((entry) => [entry.key, entry]))
  const stamps = [keys.map((key) => found.get(key)), await store.metadata.getManyByKey(keys)].map((entries) =>
    wholeOf(entries, `${set}, ${replay}`),
  )
  expect(stamps[1], `${set}, ${replay}`).toEqual(stamps[0])
  return stamps[0]
}

function wholeOf(entries: readonly (MemoryEntry | undefined)[], about: string): Stamp | undefined {
  const stamps = entries.map((entry) => entry?.metadata as unknown as Stamp | undefined)
  const stamp = stamps.find((one) => one !== undefined)
  if (stamp === undefined) return undefined
  const { by, n } = stamp
  expect(
    stamps.map((one) => one && [one.by, one.n]),
    about,
  ).toEqual(stamps.map((_, i) => (i === n % KEYS ? undefined : [by, n])))
  return { by, n }
}

/** Which number a document is of; undefined where there is none. */
async function documentOf(store: MemoryStore, writer: string, replay: string): Promise<number | undefined> {
  const { items } = await store.chunks.ofDocument(`${DOCUMENT} ${writer}`)
  if (items.length === 0) return undefined
  const n = Number(/ of (\d+)$/.exec(items[1]!.text)![1])
  expect(
    items.map(({ text }) => text),
    `document of ${writer}, ${replay}`,
  ).toEqual(textsOf(n))
  return n
}
