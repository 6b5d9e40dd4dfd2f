/**
 * A store beside the plainest one that keeps namespaces apart, a map of each. Every call goes to both, and a check
 * holds all that the store answers against the maps.
 */
import { expectNone } from '../expect-none.ts'
import type { NamespacePath, StoredValue, TestedStore } from '../tested-store.ts'
import type { Place } from './places.ts'

/** A call that changes a store. */
export type Change =
  | { readonly put: Place }
  | { readonly delete: Place }
  /** All of a namespace. */
  | { readonly clear: NamespacePath }

export class ExpectedValues {
  readonly #store: TestedStore
  readonly #places: readonly Place[]
  readonly #listsBelow: boolean
  /** By namespace as JSON, in which no two are the same; then by id. */
  readonly #namespaces = new Map<string, Map<string, string>>()
  #puts = 0

  /** @param places all that are looked at. */
  constructor(store: TestedStore, places: readonly Place[], listsBelow: boolean) {
    this.#store = store
    this.#places = places
    this.#listsBelow = listsBelow
    for (const { namespace } of places) this.#namespaces.set(JSON.stringify(namespace), new Map())
  }

  async makeAndCheck(change: Change): Promise<void> {
    if ('clear' in change && this.#store.clear === undefined) return
    await this.make(change)
    await this.check(`after ${json(change)}`)
  }

  /** Whether each place still has its own is seen at once, lists and searches are looked at by the next check. */
  async makeAndRead(change: Change): Promise<void> {
    await this.make(change)
    expectNone(await this.#misread(), `after ${json(change)}`)
  }

  /** Rejects where the store does, and says with which call. */
  async make(change: Change): Promise<void> {
    try {
      await this.#make(change)
    } catch (cause) {
      const hint = 'a store that takes no such names says so by `accepts`'
      const message = `${json(change)} failed: ${(cause as Error).message}; ${hint}`
      throw new Error(message, { cause })
    }
  }

  async #make(change: Change): Promise<void> {
    if ('clear' in change) {
      await this.#store.clear?.(change.clear)
      for (const values of this.#within(change.clear)) values.clear()
    } else if ('delete' in change) {
      const { namespace, id } = change.delete
      await this.#store.delete(namespace, id)
      this.#valuesOf(namespace).delete(id)
    } else {
      const { namespace, id } = change.put
      const value = `value ${++this.#puts} of ${JSON.stringify([namespace, id])}`
      await this.#store.put(namespace, id, value)
      this.#valuesOf(namespace).set(id, value)
    }
  }

  /** Rejects where the store answers otherwise than it should. @param about when. */
  async check(about: string): Promise<void> {
    const faults = await this.#misread()
    for (const text of this.#namespaces.keys()) faults.push(...(await this.#faultsOf(JSON.parse(text))))
    expectNone(faults, about)
  }

  async #misread(): Promise<string[]> {
    const faults: string[] = []
    for (const { namespace, id } of this.#places) {
      const found = (await this.#store.get(namespace, id)) ?? undefined
      const expected = this.#valuesOf(namespace).get(id)
      if (found !== expected) faults.push(`get(${json(namespace)}, ${json(id)}): ${json(found)}, not ${json(expected)}`)
    }
    return faults
  }

  async #faultsOf(namespace: NamespacePath): Promise<string[]> {
    const expected = this.#within(namespace).flatMap((values) => [...values.values()])
    const others = [...this.#namespaces.values()].flatMap((values) => [...values.values()])
    const foreign = others.find((value) => !expected.includes(value))
    const listed = await this.#store.list?.(namespace)
    const found = foreign === undefined ? undefined : await this.#store.search?.(namespace, foreign)
    return [
      ...(listed === undefined ? [] : differences(`list(${json(namespace)})`, valuesIn(listed), expected)),
      ...(found === undefined ? [] : strangers(`search(${json(namespace)}, …)`, valuesIn(found), expected)),
    ]
  }

  /** Values of the namespace, and of those below where the store counts them in. */
  #within(namespace: NamespacePath): Map<string, string>[] {
    if (!this.#listsBelow) return [this.#valuesOf(namespace)]
    const isWithin = (other: NamespacePath) => namespace.every((segment, nth) => other[nth] === segment)
    return [...this.#namespaces].flatMap(([text, values]) => (isWithin(JSON.parse(text)) ? [values] : []))
  }

  #valuesOf(namespace: NamespacePath): Map<string, string> {
    return this.#namespaces.get(JSON.stringify(namespace))!
  }
}

function valuesIn(answer: Iterable<StoredValue>): string[] {
  return Array.from(answer, ({ value }) => value)
}

function strangers(call: string, found: readonly string[], expected: readonly string[]): string[] {
  return found.filter((value) => !expected.includes(value)).map((value) => `${call}: ${json(value)}`)
}

function differences(call: string, found: readonly string[], expected: readonly string[]): string[] {
  const lacking = expected.filter((value) => !found.includes(value)).map((value) => `${call}: without ${json(value)}`)
  const twice = new Set(found).size < found.length ? [`${call}: some twice`] : []
  return [...strangers(call, found, expected), ...lacking, ...twice]
}

function json(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
