/** Lists entries by namespace and condition, or by how well they fit a text or a vector. Rows are entry-table.ts's. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { EntriesAnswer, EntryRow, HitRow, NamespacesAnswer, SearchAnswer } from '../answers.ts'
import { EntryTable } from './entry-table.ts'
import { type EntryFilter, FilterForm } from './filter-form.ts'
import { hashOf } from './hash-route.ts'
import { countText, millisText } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { useAnswer } from './use-answer.ts'
import { Card, Empty, ErrorNotice, Notice, PageHead } from './widgets.ts'

export function BrowsePage({ parameters }: PageProps): VNode {
  const {
    namespace = '',
    recursive = '',
    text,
    where,
    kind,
    embedding,
    like,
    likeNamespace,
    order,
    cursor,
  } = parameters
  const filter: EntryFilter = { namespace, recursive, text, where, kind, embedding, like, likeNamespace, order }
  const isSearch = Boolean(text || embedding || like)
  const go = (next: EntryFilter): void => {
    location.hash = hashOf('browse', { ...next })
  }
  useEffect(() => {
    if (parameters.focus === 'search') document.getElementById('search')?.focus()
  }, [parameters.focus])
  return html`<${PageHead} title="Browse" />
    <div class="browse">
      <${Namespaces} filter=${filter} />
      <div>
        <${FilterForm} key=${JSON.stringify(filter)} filter=${filter} onChange=${go} />
        ${isSearch ? html`<${Hits} filter=${filter} />` : html`<${Entries} filter=${filter} cursor=${cursor} />`}
      </div>
    </div>`
}

function Namespaces({ filter }: { filter: EntryFilter }): VNode {
  const { answer, error } = useAnswer<NamespacesAnswer>('namespaces', {}, 15_000)
  const [begin, setBegin] = useState('')
  const all = answer?.items ?? []
  const shown = all.filter(({ namespace }) => namespace.includes(begin))
  const link = (namespace: string, title: string, count?: number): VNode => {
    const href = hashOf('browse', { ...filter, namespace, recursive: '' })
    const isHere = filter.namespace === namespace
    return html`<li key=${namespace}><a href=${href} aria-current=${isHere ? 'true' : undefined}>
      <span class="clip">${title}</span>${count !== undefined && html`<span class="dim">${countText(count)}</span>`}
    </a></li>`
  }
  return html`<${Card} title="Namespaces" aside=${answer?.nextCursor ? `first ${all.length}` : ''}>
    <${ErrorNotice} error=${error} />
    ${
      all.length > 12 &&
      html`<input type="search" aria-label="Namespaces that contain" placeholder="contains …" value=${begin}
        onInput=${(event: InputEvent) => setBegin((event.target as HTMLInputElement).value)} />`
    }
    <ul class="namespaces">
      ${link('', 'all of them')} ${shown.map(({ namespace, count }) => link(namespace, namespace, count))}
    </ul>
  <//>`
}

function Entries({ filter, cursor }: { filter: EntryFilter; cursor: string | undefined }): VNode {
  const { answer, error, isLoading } = useAnswer<EntriesAnswer>('entries', { ...filter, cursor })
  const items: readonly EntryRow[] = error === undefined ? (answer?.items ?? []) : []
  const isEmpty = items.length === 0 && error === undefined
  return html`<${Card}>
    <${ErrorNotice} error=${error} />
    ${items.length > 0 && html`<${EntryTable} rows=${items} />`}
    ${isEmpty && html`<${Empty}>${isLoading ? 'Reading …' : 'Nothing is selected.'}<//>`}
    <nav class="pages" aria-label="Pages of entries">
      ${cursor && html`<a class="button" href=${hashOf('browse', { ...filter })}>First page</a>`}
      ${
        error === undefined &&
        answer?.nextCursor &&
        html`<a class="button" href=${hashOf('browse', { ...filter, cursor: answer.nextCursor })}>Next page</a>`
      }
    </nav>
  <//>`
}

function Hits({ filter }: { filter: EntryFilter }): VNode {
  const { answer, error, isLoading } = useAnswer<SearchAnswer>('search', { ...filter })
  const hits: readonly HitRow[] = error === undefined ? (answer?.hits ?? []) : []
  const summary =
    answer && `${hits.length} hits in ${millisText(answer.durationMs)}, ${answer.exact ? 'exact' : 'by the index'}`
  return html`<${Card} title="Hits" aside=${isLoading ? 'searching …' : summary}>
    <${ErrorNotice} error=${error} />
    ${answer?.partial && html`<${Notice} tone="bad">A tier did not answer: hits may be missing.<//>`}
    ${hits.length > 0 && html`<${EntryTable} rows=${hits} />`}
    ${hits.length === 0 && error === undefined && html`<${Empty}>${isLoading ? 'Searching …' : 'Nothing fits.'}<//>`}
  <//>`
}
