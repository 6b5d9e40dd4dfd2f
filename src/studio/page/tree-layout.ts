/** Places the nodes of a tree: levels beside each other, leaves below each other. tree-page.ts draws it. */
import type { TreeNode } from '../answers.ts'

export interface PlacedNode {
  readonly node: TreeNode
  readonly x: number
  readonly y: number
}

export interface TreeLayout {
  readonly width: number
  readonly height: number
  readonly nodes: readonly PlacedNode[]
  /** Between places; `isSecond` where the child stands below another parent already. */
  readonly edges: readonly { readonly from: PlacedNode; readonly to: PlacedNode; readonly isSecond: boolean }[]
}

const COLUMN = 322
const INDENT = 22
export const NODE_WIDTH = 274
const ROW = 40
export const NODE_HEIGHT = 32

/**
 * A child of several nodes stands below the first of them; a circle ends where it closes. As an outline, for narrow
 * screens, each node has a row of its own, below its parent.
 */
export function layoutOf(root: string, nodes: readonly TreeNode[], isOutline = false): TreeLayout {
  const column = isOutline ? INDENT : COLUMN
  const known = new Map(nodes.map((node) => [node.id, node]))
  const placed = new Map<string, PlacedNode>()
  const edges: { from: string; to: string; isSecond: boolean }[] = []
  let rows = 0
  let depth = 0

  const place = (node: TreeNode, level: number): number => {
    depth = Math.max(depth, level)
    const own = isOutline ? rows++ * ROW : 0
    placed.set(node.id, { node, x: level * column, y: own })
    const below: number[] = []
    for (const id of node.children) {
      const child = known.get(id)
      if (child === undefined) continue
      edges.push({ from: node.id, to: id, isSecond: placed.has(id) })
      if (!placed.has(id)) below.push(place(child, level + 1))
    }
    const y = isOutline ? own : below.length === 0 ? rows++ * ROW : (below[0]! + below.at(-1)!) / 2
    placed.set(node.id, { node, x: level * column, y })
    return y
  }

  const top = known.get(root)
  if (top !== undefined) place(top, 0)
  return {
    width: depth * column + NODE_WIDTH,
    height: Math.max(rows, 1) * ROW,
    nodes: [...placed.values()],
    edges: edges.map(({ from, to, isSecond }) => ({ from: placed.get(from)!, to: placed.get(to)!, isSecond })),
  }
}
