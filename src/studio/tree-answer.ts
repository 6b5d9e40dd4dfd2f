/** Reads the RAPTOR trees of a namespace for the page that draws one, as far as a drawing can be read. */
import { type MemoryStore, namespaceSegments, type TreeEntry } from '../index.ts'
import type { TreeAnswer, TreeNode } from './answers.ts'
import { titleOf } from './entry-rows.ts'
import type { RequestInput } from './request-input.ts'

const MOST_ROOTS = 50
const MOST_NODES = 400
const MOST_STALE = 200

const NODE_FIELDS = ['id', 'summary', 'level', 'children'] as const
const PART_FIELDS = [...NODE_FIELDS, 'text'] as const

export async function treeAnswer(store: MemoryStore, input: RequestInput, signal: AbortSignal): Promise<TreeAnswer> {
  const { raptorNodes } = store.namespace(...namespaceSegments(input.text('namespace')))
  const [found, stale] = await Promise.all([
    raptorNodes.roots({ limit: MOST_ROOTS, select: NODE_FIELDS, signal }),
    raptorNodes.staleNodes({ limit: MOST_STALE, select: ['id'], signal }),
  ])
  const roots = found.items.map(treeNode)
  const root = input.optionalText('root') ?? roots[0]?.id
  const below =
    root === undefined
      ? { items: [] }
      : await raptorNodes.descendants(root, { limit: MOST_NODES, select: PART_FIELDS, signal })
  const top =
    root === undefined ? [] : [roots.find(({ id }) => id === root) ?? (await nodeOf(raptorNodes, root, signal))]
  return {
    roots,
    root,
    nodes: [...top.filter((node) => node !== undefined), ...below.items.map(treeNode)],
    stale: stale.map(({ entry, changed, gone, appeared, below }) => ({
      ...{ id: entry.id, changed: changed.length, gone: gone.length },
      ...{ appeared: appeared.length, below: below.length },
    })),
    isStaleCut: stale.length === MOST_STALE,
    isCut: 'nextCursor' in below && below.nextCursor !== undefined,
  }
}

/** A node that is no root: its tree is drawn from there. */
async function nodeOf(
  nodes: MemoryStore['raptorNodes'],
  id: string,
  signal: AbortSignal,
): Promise<TreeNode | undefined> {
  const entry = await nodes.peek(id, { signal })
  return entry && treeNode(entry)
}

type Part = { readonly kind: 'raptor' | 'chunk' } & Partial<Pick<TreeEntry, 'id'>> & {
    readonly level?: number
    readonly children?: readonly string[]
    readonly text?: string
    readonly summary?: string
  }

function treeNode(part: Part): TreeNode {
  const { id = '', kind, level = 0, children = [] } = part
  return { id, kind, title: titleOf(part), level, children }
}
