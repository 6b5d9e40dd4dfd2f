/** Decides where the classes for LangChain keep their entries, and checks the options that they have in common. */
import { type OptionRule, oneOf, optionRule } from '../../call-options.ts'
import type { Durability, MemoryStore, NamespaceView } from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'

export interface KeptIn {
  /** An open store, or a view of it, as `store.namespace('tenant', 'acme')`. Closing it stays with the caller. */
  readonly store: MemoryStore | NamespaceView
  /**
   * Name of the namespace below that of `store`, or its segments; `[]` is that of `store` itself.
   * @default one that each class has, below `langchain`
   */
  readonly namespace?: string | readonly string[] | undefined
}

/** What entries are reached by. */
export type Home = Pick<NamespaceView, 'blobs' | 'chunks' | 'metadata' | 'namespace'>

export const keptIn = {
  /** Checked by {@link homeOf}, which also refuses what lacks it. */
  store: (store: unknown) => store as Home,
  namespace: optionRule<readonly string[]>(
    (value) => (typeof value === 'string' ? [value] : isTexts(value) ? value : undefined),
    'a name, or an array of names',
  ),
}

export const durability: OptionRule<Durability> = oneOf(['wal', 'cold'])

/** @param segments of the namespace where nothing else is said. */
export function homeOf(
  name: string,
  { store, namespace }: { readonly store?: Home; readonly namespace?: readonly string[] },
  segments: readonly string[],
): Home {
  checkStore(name, store)
  const given = store as Home
  const below = namespace ?? segments
  return below.length === 0 ? given : given.namespace(...below)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
