/** Shows a list of entries, or of hits with their scores. Which tier has each is asked once the rows are there. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { EntryRow, HitRow, PlaceAnswer, PlacementRow } from '../answers.ts'
import { countText, fromNowText, shortId, timeText } from './number-text.ts'
import { useAnswer } from './use-answer.ts'
import { EntryLink, KindTag, TierTag } from './widgets.ts'

type Row = EntryRow & Partial<Pick<HitRow, 'score' | 'vector' | 'text'>>

export function EntryTable({ rows }: { rows: readonly Row[] }): VNode {
  const addresses = JSON.stringify(rows.map(({ namespace, id }) => [namespace, id]))
  const { answer = [] } = useAnswer<readonly PlacementRow[]>('placements', { entries: addresses })
  const placements = new Map(answer.map((row) => [`${row.namespace} ${row.id}`, row]))
  const hasScores = rows.some(({ score }) => score !== undefined)
  return html`<ul class="rows" aria-label=${hasScores ? 'Hits' : 'Entries'}>
    ${rows.map((row) => {
      const placement = placements.get(`${row.namespace} ${row.id}`)
      return html`<${OneRow} key=${`${row.namespace} ${row.id}`} row=${row} placement=${placement} />`
    })}
  </ul>`
}

function OneRow({ row, placement }: { row: Row; placement: PlacementRow | undefined }): VNode {
  const { namespace, id, key, kind, title, updatedAt, expiresAt, accessCount, score } = row
  const now = Date.now()
  return html`<li class="row">
    ${score !== undefined && html`<${Score} row=${row} />`}
    <div class="row-main">
      <${EntryLink} namespace=${namespace} id=${id}><span
        class="row-title">${title === '' ? '(no text)' : title}</span><//>
      <div class="row-facts">
        <${KindTag} kind=${kind} />
        <${TierTags} placement=${placement} />
        <span>${namespace}</span>
        <span title=${id}>${key === undefined ? shortId(id) : html`key <code>${key}</code>`}</span>
        <span title=${timeText(updatedAt)}>${fromNowText(updatedAt, now)}</span>
        ${accessCount > 0 && html`<span>read ${countText(accessCount)} ×</span>`}
        ${expiresAt && html`<span title=${timeText(expiresAt)}>expires ${fromNowText(expiresAt, now)}</span>`}
      </div>
    </div>
  </li>`
}

/** A search is answered by what is pending, where that is newer, else by cold. */
function TierTags({ placement }: { placement: PlacementRow | undefined }): VNode | null {
  if (placement === undefined) return null
  const { pending, hot, cold, pinned } = placement
  return html`<span class="tags">
    <${TierTag} tier="pending" standing=${pending} />
    <${TierTag} tier="hot" standing=${hot} />
    <${TierTag} tier="cold" standing=${cold} />
    ${pinned && html`<span class="tag pinned">pinned</span>`}
  </span>`
}

function Score({ row: { score = 0, vector, text } }: { row: Row }): VNode {
  const part = (name: string, place: PlaceAnswer | undefined): VNode | undefined =>
    place && html`<div>${name} ${place.score.toFixed(3)} (#${place.rank})</div>`
  return html`<div class="score">
    <div class="score-value">${score.toFixed(3)}</div>
    <div class="score-parts">${part('vector', vector)}${part('text', text)}</div>
  </div>`
}
