/** Shows what a sync would do now, and why, without doing it: what would leave hot, would stay, or has expired. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { PreviewAnswer, PreviewRow } from '../answers.ts'
import { bytesText, countText, durationText, shortId } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { useAnswer } from './use-answer.ts'
import { Card, Empty, EntryLink, ErrorNotice, Figure, KindTag, PageHead, Reading } from './widgets.ts'

const EVERY_MS = 10_000
const LIMITS = ['50', '200', '1000']

export function RetentionPage(_: PageProps): VNode {
  const [limit, setLimit] = useState(LIMITS[0]!)
  const { answer, error, isLoading } = useAnswer<PreviewAnswer>('preview', { limit }, EVERY_MS)
  return html`<${PageHead} title="Retention">
      <label class="check">look at
        <select value=${limit} onChange=${(event: Event) => setLimit((event.target as HTMLSelectElement).value)}>
          ${LIMITS.map((each) => html`<option value=${each} selected=${each === limit}>${each}</option>`)}
        </select>
        idle entries
      </label>
    <//>
    <p class="dim">What a sync would do now. Nothing is moved by looking.${isLoading && ' Looking …'}</p>
    ${answer && html`<${ErrorNotice} error=${error} />`}
    ${answer === undefined ? html`<${Reading} error=${error} />` : html`<${Known} answer=${answer} />`}`
}

function Known({ answer }: { answer: PreviewAnswer }): VNode {
  const { demote, stay, expire, moreHot, moreExpired } = answer
  // How large an entry is is known only of some.
  const bytes = demote.reduce((sum, row) => sum + (row.bytes ?? 0), 0)
  const size = bytes === 0 ? 'of those looked at' : bytesText(bytes)
  const orMore = (count: number, isMore: boolean): string => `${countText(count)}${isMore ? ' or more' : ''}`
  return html`<section class="figures" aria-label="What a sync would do">
      <${Figure} label="Would leave hot" value=${orMore(demote.length, moreHot)} note=${size} />
      <${Figure} label="Would stay, though idle" value=${countText(stay.length)} note="of those looked at" />
      <${Figure} label="Have expired" value=${orMore(expire.length, moreExpired)} note="would become tombstones" />
    </section>
    <${Rows} title="Would leave hot" rows=${demote} none="Nothing is idle for long enough." />
    <${Rows} title="Would stay" rows=${stay} none="Nothing that is idle would stay." />
    <${Card} title="Have expired">
      ${expire.length === 0 && html`<${Empty}>Nothing.<//>`}
      <ul class="plain-list">
        ${expire.map(
          ({ namespace, id }) => html`<li key=${id}>
            <${EntryLink} namespace=${namespace} id=${id}>${namespace} <code>${shortId(id)}</code><//>
          </li>`,
        )}
      </ul>
    <//>`
}

function Rows({ title, rows, none }: { title: string; rows: readonly PreviewRow[]; none: string }): VNode {
  if (rows.length === 0) return html`<${Card} title=${title}><${Empty}>${none}<//><//>`
  return html`<${Card} title=${title}>
    <ul class="rows" aria-label=${title}>
      ${rows.map(
        ({ namespace, id, kind, bytes, idleMs, accessCount, why }) => html`<li class="row" key=${`${namespace} ${id}`}>
          <div class="row-main">
            <${EntryLink} namespace=${namespace} id=${id}><code class="break">${id}</code><//>
            <div class="row-facts">
              ${kind && html`<${KindTag} kind=${kind} />`}<span>${namespace}</span><span>${why}</span>
              <span>idle for ${durationText(idleMs / 1_000)}</span><span>read ${countText(accessCount)} ×</span>
              ${bytes !== undefined && html`<span>${bytesText(bytes)}</span>`}
            </div>
          </div>
        </li>`,
      )}
    </ul>
  <//>`
}
