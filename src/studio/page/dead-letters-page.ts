/** Lists acknowledged writes that the database refused, and has them retried or given up where the studio may write. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { DeadLetterRow, DeadLettersAnswer } from '../answers.ts'
import { type AskError, change } from './ask-server.ts'
import { hashOf } from './hash-route.ts'
import { bytesText, fromNowText, shortId, timeText } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { useAnswer } from './use-answer.ts'
import { Card, Dialog, Empty, EntryLink, ErrorNotice, KindTag, Notice, PageHead, Reading } from './widgets.ts'

const EVERY_MS = 5_000

export function DeadLettersPage({ parameters, overview }: PageProps): VNode {
  const { cursor, content } = parameters
  const { answer, error, reload } = useAnswer<DeadLettersAnswer>('dead-letters', { cursor, content }, EVERY_MS)
  const hasSome = (answer?.items.length ?? 0) > 0
  const toggle = hashOf('dead-letters', { cursor, content: content ? '' : '1' })
  const next = hashOf('dead-letters', { content, cursor: answer?.nextCursor })
  return html`<${PageHead} title="Dead letters">
      ${hasSome && html`<a class="button" href=${toggle}>${content ? 'Hide what they say' : 'Show what they say'}</a>`}
    <//>
    <p class="dim">Writes that were acknowledged and that the database refused. They hold nothing else up.</p>
    ${answer && html`<${ErrorNotice} error=${error} />`}
    ${
      answer === undefined
        ? html`<${Reading} error=${error} />`
        : html`<${Letters} answer=${answer} mayWrite=${overview?.isWritable === true} onDone=${reload}
            none=${cursor ? 'None on this page.' : 'None: the database took every write.'} />`
    }
    ${cursor && html`<a class="button" href=${hashOf('dead-letters', { content })}>First page</a> `}
    ${answer?.nextCursor && html`<a class="button" href=${next}>Next page</a>`}`
}

interface LettersProps {
  answer: DeadLettersAnswer
  mayWrite: boolean
  /** What is said where there are none. */
  none: string
  onDone: () => void
}

interface Outcome {
  readonly text?: string
  readonly error?: AskError
}

function Letters({ answer: { items }, mayWrite, none, onDone }: LettersProps): VNode {
  const [dropping, setDropping] = useState<readonly string[]>()
  const [outcome, setOutcome] = useState<Outcome>({})
  const run = async (route: 'retry-dead-letters' | 'drop-dead-letters', letters: readonly string[]): Promise<void> => {
    try {
      setOutcome({ text: outcomeText(await change<Changed>(route, { letters })) })
    } catch (error) {
      setOutcome({ error: error as AskError })
    }
    setDropping(undefined)
    onDone()
  }
  const retry = (letters: readonly string[]) => run('retry-dead-letters', letters)
  const all = items.map(({ letter }) => letter)
  return html`<div class="outcome" aria-live="polite">
      ${outcome.text && html`<${Notice} tone="good">${outcome.text}<//>`}<${ErrorNotice} error=${outcome.error} />
    </div>
    <${Card}>
      ${items.length === 0 && html`<${Empty}>${none}<//>`}
      <ul class="rows" aria-label="Dead letters">
        ${items.map(
          (row) => html`<${Letter} key=${row.letter} row=${row} mayWrite=${mayWrite}
            onRetry=${() => retry([row.letter])} onDrop=${() => setDropping([row.letter])} />`,
        )}
      </ul>
      ${
        mayWrite &&
        items.length > 1 &&
        html`<div class="pages">
          <button type="button" onClick=${() => retry(all)}>Retry these ${all.length}</button>
          <button type="button" class="danger" onClick=${() => setDropping(all)}>Give up these ${all.length}</button>
        </div>`
      }
    <//>
    ${
      dropping &&
      html`<${ConfirmDrop} count=${dropping.length} onClose=${() => setDropping(undefined)}
        onYes=${() => run('drop-dead-letters', dropping)} />`
    }`
}

interface LetterProps {
  row: DeadLetterRow
  mayWrite: boolean
  onRetry: () => void
  onDrop: () => void
}

function Letter({ row, mayWrite, onRetry, onDrop }: LetterProps): VNode {
  const { namespace, id, key, kind, reason, refusedAt, bytes, text, metadata } = row
  const title = key ?? (id === undefined ? 'a letter that this version cannot read' : shortId(id))
  const isUnread = namespace === undefined || id === undefined
  const link = html`<span class="row-title">${title}</span>`
  return html`<li class="row">
    <div class="row-main">
      ${isUnread ? link : html`<${EntryLink} namespace=${namespace} id=${id}>${link}<//>`}
      <div class="row-facts">
        <span class="tag unknown">${reason}</span> ${kind && html`<${KindTag} kind=${kind} />`}
        <span>${namespace}</span><span title=${timeText(refusedAt)}>refused ${fromNowText(refusedAt, Date.now())}</span>
        <span>${bytesText(bytes)}</span>
      </div>
      ${text && html`<div class="text">${text}</div>`}${metadata && html`<pre class="text">${metadata}</pre>`}
    </div>
    ${
      mayWrite &&
      html`<div class="row-actions">
        <button type="button" onClick=${onRetry}>Retry</button>
        <button type="button" class="danger" onClick=${onDrop}>Give up</button>
      </div>`
    }
  </li>`
}

interface ConfirmProps {
  count: number
  onYes: () => void
  onClose: () => void
}

function ConfirmDrop({ count, onYes, onClose }: ConfirmProps): VNode {
  const title = count === 1 ? 'Give up this write?' : `Give up these ${count} writes?`
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>Each was acknowledged, and is in no other place: what it said is gone for good then.</p>
    <div class="dialog-actions">
      <button type="button" onClick=${onClose}>Keep</button>
      <button type="button" class="danger" onClick=${onYes}>Give up</button>
    </div>
  <//>`
}

interface Changed {
  readonly written?: number
  readonly superseded?: number
  readonly refused?: Readonly<Record<string, number>>
  readonly dropped?: number
}

function outcomeText({ written = 0, superseded = 0, refused = {}, dropped }: Changed): string {
  if (dropped !== undefined) return `Given up: ${dropped}.`
  const again = Object.entries(refused).map(([reason, count]) => `${count} refused again (${reason})`)
  return [`${written} written`, `${superseded} replaced meanwhile`, ...again].join(', ')
}
