/**
 * Lists the namespaces of items, by what they begin and end with. The store has the namespaces in order; what several
 * conditions select, and what is the same once it is cut, is decided here.
 */
import type { ListNamespacesOperation, MatchCondition } from '@langchain/langgraph-checkpoint'
import type { NamespaceView } from '../../index.ts'
import { plainText } from './checkpoint-places.ts'
import { labelsOf } from './item-entries.ts'

const ANY = '*'

export async function listItemNamespaces(
  root: NamespaceView,
  { matchConditions = [], maxDepth, limit, offset }: Partial<ListNamespacesOperation>,
): Promise<string[][]> {
  const listed: string[][] = []
  const end = (offset ?? 0) + (limit ?? 100)
  const prefix = matchConditions.find(({ matchType }) => matchType === 'prefix')?.path ?? []
  for await (const labels of labelsBelow(root, prefix.map(plainText))) {
    if (listed.length >= end) break
    if (labels.length === 0 || !matchConditions.every((condition) => isMatch(condition, labels))) continue
    const cut = labels.slice(0, maxDepth)
    // They come in the order of their segments, so those that are cut alike come one after the other.
    if (!isSame(cut, listed.at(-1))) listed.push(cut)
  }
  return listed.slice(offset ?? 0, end)
}

async function* labelsBelow(root: NamespaceView, prefix: readonly string[]): AsyncGenerator<string[]> {
  let cursor: string | undefined
  do {
    const page = await root.namespaces({ prefix, wildcard: ANY, cursor, limit: 1_000 })
    for (const { namespace } of page.items) yield labelsOf(root, namespace)
    cursor = page.nextCursor
  } while (cursor !== undefined)
}

function isMatch({ matchType, path }: MatchCondition, labels: readonly string[]): boolean {
  const part =
    matchType === 'prefix' ? labels.slice(0, path.length) : labels.slice(Math.max(0, labels.length - path.length))
  return part.length === path.length && path.every((label, i) => label === ANY || label === part[i])
}

function isSame(a: readonly string[], b: readonly string[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((label, i) => label === b[i])
}
