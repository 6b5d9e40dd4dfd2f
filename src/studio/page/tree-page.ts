/** Draws a RAPTOR tree, and marks the nodes that are to be summarised again. Places are decided in tree-layout.ts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { NamespacesAnswer, StaleAnswer, TreeAnswer, TreeNode } from '../answers.ts'
import { hashOf } from './hash-route.ts'
import { countText, shortId } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { layoutOf, NODE_HEIGHT, NODE_WIDTH, type PlacedNode, type TreeLayout } from './tree-layout.ts'
import { useAnswer } from './use-answer.ts'
import { Card, Empty, ErrorNotice, Notice, PageHead } from './widgets.ts'

const EVERY_MS = 15_000
const CHARACTERS = 37

export function TreePage({ parameters }: PageProps): VNode {
  const { answer: known, error: unnamed } = useAnswer<NamespacesAnswer>('namespaces')
  const listed = known?.items.map(({ namespace }) => namespace) ?? []
  const named = parameters.namespace
  const names = named === undefined || listed.includes(named) ? listed : [named, ...listed]
  const namespace = named ?? (listed.includes('default') ? 'default' : names[0])
  const asked = { namespace, root: parameters.root }
  const { answer, error } = useAnswer<TreeAnswer>(namespace === undefined ? undefined : 'tree', asked, EVERY_MS)
  const isRead = known !== undefined && (answer !== undefined || names.length === 0)
  return html`<${PageHead} title="Tree" />
    <${Choice} names=${names} namespace=${namespace} answer=${answer} />
    <${ErrorNotice} error=${error ?? unnamed} />
    ${
      answer?.root === undefined
        ? html`<${Empty}>${isRead ? 'This namespace has no RAPTOR nodes.' : 'Reading …'}<//>`
        : html`<${Tree} namespace=${namespace} answer=${answer} root=${answer.root} />`
    }`
}

interface ChoiceProps {
  names: readonly string[]
  namespace: string | undefined
  answer: TreeAnswer | undefined
}

function Choice({ names, namespace, answer }: ChoiceProps): VNode {
  const go = (to: { namespace?: string | undefined; root?: string }): void => {
    location.hash = hashOf('tree', to)
  }
  const chosen = (event: Event): string => (event.target as HTMLSelectElement).value
  const { roots = [], root } = answer ?? {}
  const isBelow = root !== undefined && roots.every(({ id }) => id !== root)
  return html`<div class="choice">
    <label>Namespace
      <select onChange=${(event: Event) => go({ namespace: chosen(event) })}>
        ${names.map((name) => html`<option value=${name} selected=${name === namespace}>${name}</option>`)}
      </select>
    </label>
    ${
      roots.length > 0 &&
      html`<label>Root
        <select onChange=${(event: Event) => go({ namespace, root: chosen(event) })}>
          ${isBelow && html`<option selected value=${root}>below a root: ${shortId(root)}</option>`}
          ${roots.map(({ id, title, level }) => {
            return html`<option value=${id} selected=${id === root}>level ${level}: ${title.slice(0, 60)}</option>`
          })}
        </select>
      </label>`
    }
  </div>`
}

function Tree({ namespace, answer, root }: { namespace: string; answer: TreeAnswer; root: string }): VNode {
  const isOutline = matchMedia('(max-width: 640px)').matches
  const layout = layoutOf(root, answer.nodes, isOutline)
  const stale = new Map(answer.stale.map((each) => [each.id, each]))
  const staleHere = layout.nodes.filter(({ node }) => stale.has(node.id)).length
  const marked = answer.isStaleCut ? `at least ${countText(staleHere)}` : countText(staleHere)
  const aside = `${countText(layout.nodes.length)} nodes and chunks, ${marked} stale`
  return html`${answer.isCut && html`<${Cut} drawn=${answer.nodes.length} />`}
    <${Card} title="From the root down" aside=${aside}>
      <div class="scroll tree" tabindex="0" role="region" aria-label="The tree"><${Drawing} namespace=${namespace}
        layout=${layout} stale=${stale} /></div>
      <p class="dim">
        Since a stale node was put, a child of it has changed, is gone, has appeared, or is stale itself: summarise it
        again.
      </p>
    <//>`
}

function Cut({ drawn }: { drawn: number }): VNode {
  return html`<${Notice} tone="info">
    Only the first ${countText(drawn)} are drawn, the nearest to the root: choose a node further down.
  <//>`
}

interface DrawingProps {
  namespace: string
  layout: TreeLayout
  stale: ReadonlyMap<string, StaleAnswer>
}

function Drawing({ namespace, layout, stale }: DrawingProps): VNode {
  const { width, height, edges, nodes } = layout
  return html`<svg width=${width + 4} height=${height + 4} viewBox=${`-2 -2 ${width + 4} ${height + 4}`}>
    ${edges.map(
      ({ from, to, isSecond }) => html`<path class=${isSecond ? 'edge second' : 'edge'} d=${edgePath(from, to)} />`,
    )}
    ${nodes.map((placed) => {
      const { id } = placed.node
      return html`<${Node} key=${id} namespace=${namespace} placed=${placed} stale=${stale.get(id)} />`
    })}
  </svg>`
}

function edgePath(from: PlacedNode, to: PlacedNode): string {
  // In an outline the child stands below its parent, not beside it.
  if (to.x < from.x + NODE_WIDTH) return `M${from.x + 10} ${from.y + NODE_HEIGHT} V${to.y + NODE_HEIGHT / 2} H${to.x}`
  const [x1, y1, x2, y2] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2, to.x, to.y + NODE_HEIGHT / 2]
  const middle = (x1 + x2) / 2
  return `M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`
}

interface NodeProps {
  namespace: string
  placed: PlacedNode
  stale: StaleAnswer | undefined
}

function Node({ namespace, placed: { node, x, y }, stale }: NodeProps): VNode {
  const text = node.title.length > CHARACTERS ? `${node.title.slice(0, CHARACTERS - 1)}…` : node.title
  return html`<a href=${hashOf('entry', { namespace, id: node.id })} aria-label=${labelOf(node, stale)}
    class=${`tree-node ${node.kind} ${stale === undefined ? '' : 'stale'}`}>
    <title>${labelOf(node, stale)}</title>
    <rect x=${x} y=${y} width=${NODE_WIDTH} height=${NODE_HEIGHT} rx="7" />
    <svg x=${x} y=${y} width=${NODE_WIDTH - 6} height=${NODE_HEIGHT}>
      <text x="10" y="20.5">${text === '' ? shortId(node.id) : text}</text>
    </svg>
  </a>`
}

function labelOf({ kind, level, title }: TreeNode, stale: StaleAnswer | undefined): string {
  const what = kind === 'chunk' ? 'chunk' : `node of level ${level}`
  if (stale === undefined) return `${what}: ${title}`
  const parts = (['changed', 'gone', 'appeared', 'below'] as const).filter((name) => stale[name] > 0)
  const why = parts.map((name) => `${stale[name]} ${name === 'below' ? 'stale below' : name}`).join(', ')
  return `stale ${what} (${why}): ${title}`
}
