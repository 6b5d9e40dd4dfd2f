/** Shows one entry: what it holds, where each version of it is, and why. What may be done is in entry-actions.ts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { EntryAnswer, EntryContent, PlacementAnswer } from '../answers.ts'
import { EntryActions } from './entry-actions.ts'
import { hashOf } from './hash-route.ts'
import { bytesText, countText, durationText, fromNowText, shortId, timeText } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { useAnswer } from './use-answer.ts'
import { Card, CopyButton, Empty, EntryLink, ErrorNotice, KindTag, PageHead, Reading, standingText } from './widgets.ts'

const EVERY_MS = 4_000

export function EntryPage({ parameters, overview }: PageProps): VNode {
  const { namespace = '', id = '' } = parameters
  const { answer, error, reload } = useAnswer<EntryAnswer>('entry', { namespace, id }, EVERY_MS)
  const title = answer?.entry?.key ?? shortId(id)
  return html`<${PageHead} title=${title}>
      ${answer && overview?.isWritable && html`<${EntryActions} answer=${answer} onDone=${reload} />`}
    <//>
    <p class="crumbs">
      <a href=${hashOf('browse', { namespace })}>${namespace}</a> / <code class="break">${id}</code>
      <${CopyButton} text=${id} label="Copy the id" />
    </p>
    ${answer && html`<${ErrorNotice} error=${error} />`}
    ${answer === undefined ? html`<${Reading} error=${error} />` : html`<${Known} answer=${answer} />`}`
}

function Known({ answer }: { answer: EntryAnswer }): VNode {
  const { entry, parents } = answer
  return html`<div class="entry">
    <div>
      ${entry === undefined ? html`<${NoContent} />` : html`<${Content} entry=${entry} />`}
      ${entry?.metadata !== undefined && html`<${Metadata} metadata=${entry.metadata} />`}
    </div>
    <div>
      <${Where} answer=${answer} />
      ${entry && html`<${Fields} entry=${entry} />`}
      ${
        parents.length > 0 &&
        html`<${Card} title="Summarised by"><ul class="plain-list">${parents.map(
          ({ namespace, id, title }) =>
            html`<li key=${id}><${EntryLink} namespace=${namespace} id=${id}>${title}<//></li>`,
        )}</ul><//>`
      }
    </div>
  </div>`
}

function NoContent(): VNode {
  return html`<${Card} title="Content"><${Empty}>No read finds it.<//><//>`
}

function Metadata({ metadata }: { metadata: unknown }): VNode {
  return html`<${Card} title="Metadata"><pre class="text">${JSON.stringify(metadata, null, 2)}</pre><//>`
}

function Content({ entry }: { entry: EntryContent }): VNode {
  const { namespace, text, summary, blob, embedding, children } = entry
  const whole = text ?? summary
  const tree = hashOf('tree', { namespace, root: entry.id })
  return html`<${Card} title="Content" aside=${html`<${KindTag} kind=${entry.kind} />`}>
      ${whole !== undefined && html`<div class="text prose">${whole}</div>`}
      ${blob && html`<${Bytes} blob=${blob} />`}
      ${entry.kind === 'metadata' && html`<${Empty}>Its metadata is all of it.<//>`}
      ${entry.kind === 'embedding' && html`<${Empty}>Its embedding is all of it.<//>`}
      ${
        children &&
        html`<p>Level ${entry.level}, of ${countText(children.length)} children. <a href=${tree}>Draw its tree</a></p>`
      }
    <//>
    ${embedding && html`<${Vector} entry=${entry} embedding=${embedding} />`}`
}

function Vector({
  entry,
  embedding,
}: {
  entry: EntryContent
  embedding: NonNullable<EntryContent['embedding']>
}): VNode {
  const { dimensions, length, first } = embedding
  const numbers = [...first.map((each) => each.toFixed(4)), ...(dimensions > first.length ? ['…'] : [])]
  const like = hashOf('browse', { like: entry.id, likeNamespace: entry.namespace, namespace: entry.namespace })
  return html`<${Card} title="Embedding" aside=${entry.embeddingModel ?? ''}>
    <p>${countText(dimensions)} dimensions, length ${length.toFixed(3)}. <a href=${like}>Find what is like it</a></p>
    <pre class="text">[${numbers.join(', ')}]</pre>
  <//>`
}

function Bytes({ blob: { bytes, contentType, hex } }: { blob: NonNullable<EntryContent['blob']> }): VNode {
  const what = contentType === undefined ? bytesText(bytes) : `${bytesText(bytes)}, ${contentType}`
  return html`<p>${what}; the first of them:</p><pre class="text">${hexLines(hex)}</pre>`
}

function hexLines(hex: string): string {
  const lines = hex.match(/.{1,32}/g) ?? []
  return lines.map((line) => line.match(/../g)?.join(' ') ?? '').join('\n')
}

function Where({ answer: { placements, why } }: { answer: EntryAnswer }): VNode {
  return html`<${Card} title="Where it is">
    <table>
      <thead><tr><th>tier</th><th>has</th><th>version</th></tr></thead>
      <tbody>${placements.map((each) => html`<${PlacementLine} key=${each.tier} placement=${each} />`)}</tbody>
    </table>
    <ul class="why">${why.map((sentence) => html`<li>${sentence}</li>`)}</ul>
  <//>`
}

function PlacementLine({ placement }: { placement: PlacementAnswer }): VNode {
  const { tier, standing, version, failure } = placement
  return html`<tr>
    <td><span class=${`tag tier-${tier} ${standing}`}>${tier}</span></td>
    <td>${failure ?? standingText(standing)}</td>
    <td><code title=${version}>${version === undefined ? '–' : `…${version.slice(-10)}`}</code></td>
  </tr>`
}

function Fields({ entry }: { entry: EntryContent }): VNode {
  const now = Date.now()
  const { createdAt, updatedAt, lastAccessedAt, accessCount, expiresAt, slidingTtl, documentId, position } = entry
  const fields: readonly (readonly [name: string, value: string | undefined])[] = [
    ['version', entry.version],
    ['created', `${timeText(createdAt)}, ${fromNowText(createdAt, now)}`],
    ['updated', `${timeText(updatedAt)}, ${fromNowText(updatedAt, now)}`],
    ['last read', accessCount === 0 ? 'never' : `${timeText(lastAccessedAt)}, ${fromNowText(lastAccessedAt, now)}`],
    ['reads', countText(accessCount)],
    ['expires', expiresAt === undefined ? undefined : `${timeText(expiresAt)}, ${fromNowText(expiresAt, now)}`],
    ['each read extends it by', slidingTtl === undefined ? undefined : durationText(slidingTtl / 1_000)],
    [
      'document',
      documentId === undefined ? undefined : `${documentId}${position === undefined ? '' : `, position ${position}`}`,
    ],
  ]
  return html`<${Card} title="Fields"><dl class="fields">
    ${fields.map(([name, value]) => value !== undefined && html`<dt>${name}</dt><dd class="break">${value}</dd>`)}
  </dl><//>`
}
