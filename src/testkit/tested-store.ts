/** Any store of texts in namespaces, as the suites of isolation and of crashes use it. */

/** One or more segments, outermost first. A store whose namespaces are flat texts joins them in its own way. */
export type NamespacePath = readonly string[]

/** A value that a store has under an id. */
export interface StoredValue {
  readonly id: string
  readonly value: string
}

type Answer<T> = T | Promise<T>

/** What a user writes over a store to have it tested: each method is a line or two. */
export interface TestedStore {
  /** Stores or replaces the value. Once this resolves, the write counts as acknowledged. */
  put(namespace: NamespacePath, id: string, value: string): Answer<unknown>
  /** The value, or null or undefined where there is none. */
  get(namespace: NamespacePath, id: string): Answer<string | null | undefined>
  /** Deletes the value, if there is one. Once this resolves, that counts as acknowledged. */
  delete(namespace: NamespacePath, id: string): Answer<unknown>
  /** All that the namespace has, in any order. @default not tested */
  list?(namespace: NamespacePath): Answer<Iterable<StoredValue>>
  /**
   * What a search of the namespace finds for a text, which may be anything that the namespace has. Tests of isolation
   * pass the value of an entry that is in another namespace. @default not tested
   */
  search?(namespace: NamespacePath, text: string): Answer<Iterable<StoredValue>>
  /** Deletes all that the namespace has. @default not tested */
  clear?(namespace: NamespacePath): Answer<unknown>
  /** Releases what the store holds. @default there is nothing to release */
  close?(): Answer<unknown>
}
