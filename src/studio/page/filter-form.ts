/** Asks which entries are listed, or what is searched for. Where that leads is decided in browse-page.ts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

/** As the address has it; what is empty is left out. */
export interface EntryFilter {
  readonly namespace?: string | undefined
  readonly recursive?: string | undefined
  readonly text?: string | undefined
  readonly where?: string | undefined
  readonly kind?: string | undefined
  readonly embedding?: string | undefined
  readonly like?: string | undefined
  readonly likeNamespace?: string | undefined
  readonly order?: string | undefined
}

const KINDS = ['chunk', 'embedding', 'metadata', 'raptor', 'blob']

interface FormProps {
  filter: EntryFilter
  onChange: (filter: EntryFilter) => void
}

/**
 * Fields keep what is typed while the page around them is drawn anew every few seconds: they have defaults, for a
 * `value` would be set again each time.
 */
export function FilterForm({ filter, onChange }: FormProps): VNode {
  const hasMore = Boolean(filter.where || filter.embedding || filter.order)
  const [isOpen, setOpen] = useState(hasMore)
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const given = new FormData(event.target as HTMLFormElement)
    const text = (name: string): string => String(given.get(name) ?? '').trim()
    const { like, likeNamespace } = filter
    onChange({
      ...{ namespace: filter.namespace, text: text('text'), kind: text('kind'), recursive: text('recursive') },
      ...{ where: text('where'), embedding: text('embedding'), order: text('order') },
      ...(text('like') === '' ? {} : { like, likeNamespace }),
    })
  }
  return html`<form class="filter" role="search" onSubmit=${submit}>
    <div class="filter-main">
      <input id="search" name="text" type="search" defaultValue=${filter.text ?? ''} aria-label="Search texts"
        placeholder='Search texts: words, "a phrase", -without   ( / )' />
      <select name="kind" aria-label="Kind">
        <option value="">every kind</option>
        ${KINDS.map((kind) => html`<option value=${kind} selected=${kind === filter.kind}>${kind}</option>`)}
      </select>
      <button type="submit" class="primary">Search</button>
      <button type="button" aria-expanded=${isOpen} aria-controls="filter-more"
        onClick=${() => setOpen(!isOpen)}>More</button>
    </div>
    ${
      filter.like &&
      html`<label class="check"><input type="checkbox" name="like" value="1" defaultChecked
        /> like entry <code>${filter.like}</code></label>`
    }
    <div id="filter-more" class="filter-more" hidden=${!isOpen}><${MoreFields} filter=${filter} /></div>
  </form>`
}

function MoreFields({ filter }: { filter: EntryFilter }): VNode {
  return html`
    <label>Where
      <textarea name="where" rows="2" spellcheck=${false}
        placeholder=${`{"metadata.year": {"gte": 2024}}`}>${filter.where ?? ''}</textarea>
    </label>
    <label>Vector
      <textarea name="embedding" rows="2" spellcheck=${false}
        placeholder="[0.1, 0.2, …]: searched by cosine">${filter.embedding ?? ''}</textarea>
    </label>
    <label>Order of a list
      <select name="order">
        <option value="">by namespace and id</option>
        <option value="updatedAt" selected=${filter.order === 'updatedAt'}>latest first</option>
      </select>
    </label>
    ${
      filter.namespace &&
      html`<label class="check">
        <input type="checkbox" name="recursive" value="1" defaultChecked=${filter.recursive === '1'} />
        namespaces below as well</label>`
    }`
}
