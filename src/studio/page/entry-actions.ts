/** Offers what may be done with an entry, where the studio may write. What goes for good is asked about before. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { EntryAnswer } from '../answers.ts'
import { type AskError, change } from './ask-server.ts'
import { EntryEditor } from './entry-editor.ts'
import { Dialog, ErrorNotice, Notice } from './widgets.ts'

interface ActionsProps {
  answer: EntryAnswer
  onDone: () => void
}

interface Outcome {
  readonly text?: string
  readonly error?: AskError
}

export function EntryActions({ answer, onDone }: ActionsProps): VNode {
  const [opened, setOpened] = useState<'edit' | 'delete' | 'erase'>()
  const [outcome, setOutcome] = useState<Outcome>({})
  const [isRunning, setRunning] = useState(false)
  const { namespace, id, entry, pinned } = answer
  const run = async (route: string, body: object = {}): Promise<void> => {
    if (isRunning) return
    setRunning(true)
    try {
      setOutcome({ text: outcomeText(route, await change<Changed>(route, { namespace, id, ...body })) })
      setOpened(undefined)
    } catch (error) {
      setOutcome({ error: error as AskError })
    }
    setRunning(false)
    onDone()
  }
  const open = (what: 'edit' | 'delete' | 'erase'): void => {
    setOutcome({})
    setOpened(what)
  }
  const button = (title: string, onClick: () => void, isOff = entry === undefined, tone = ''): VNode =>
    html`<button type="button" class=${tone} disabled=${isOff || isRunning} onClick=${onClick}>${title}</button>`
  return html`
    ${button('Promote', () => run('promote'))} ${button('Demote', () => run('demote'))}
    ${pinned ? button('Unpin', () => run('unpin')) : button('Pin', () => run('pin'))}
    ${button('Edit', () => open('edit'))} ${button('Delete', () => open('delete'), undefined, 'danger')}
    ${button('Erase', () => open('erase'), false, 'danger')}
    <div class="outcome" aria-live="polite">
      ${outcome.text && html`<${Notice} tone="good">${outcome.text}<//>`}
      ${opened === undefined && html`<${ErrorNotice} error=${outcome.error} />`}
    </div>
    ${
      opened === 'edit' &&
      entry &&
      html`<${EntryEditor} entry=${entry} error=${outcome.error} onClose=${() => setOpened(undefined)}
        onSave=${(patch: object, expectedVersion: string) => run('update', { patch, expectedVersion })} />`
    }
    ${
      (opened === 'delete' || opened === 'erase') &&
      html`<${Confirm} what=${opened} error=${outcome.error} onClose=${() => setOpened(undefined)}
        onYes=${() => run(opened)} />`
    }`
}

interface ConfirmProps {
  what: 'delete' | 'erase'
  error: AskError | undefined
  onYes: () => void
  onClose: () => void
}

const MEANING = {
  delete:
    'No read finds it any more. A tombstone stays for a while, and the log may hold its content until segments go.',
  erase: 'It leaves hot, cold, the log and the dead letters for good. Nothing brings it back.',
}

/** Erasing asks for the word to be typed. */
function Confirm({ what, error, onYes, onClose }: ConfirmProps): VNode {
  const [typed, setTyped] = useState('')
  const isReady = what === 'delete' || typed === 'erase'
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    if (isReady) onYes()
  }
  return html`<${Dialog} title=${what === 'delete' ? 'Delete this entry?' : 'Erase this entry for good?'}
    onClose=${onClose}>
    <p>${MEANING[what]}</p>
    <${ErrorNotice} error=${error} />
    <form onSubmit=${submit}>
      ${
        what === 'erase' &&
        html`<label>Type <code>erase</code> <input autocomplete="off" value=${typed}
          onInput=${(event: InputEvent) => setTyped((event.target as HTMLInputElement).value)} /></label>`
      }
      <div class="dialog-actions">
        <button type="button" onClick=${onClose}>Keep it</button>
        <button type="submit" class="danger" disabled=${!isReady}>${what === 'delete' ? 'Delete' : 'Erase'}</button>
      </div>
    </form>
  <//>`
}

interface Changed {
  readonly result?: string
  readonly erased?: number
  readonly left?: readonly { readonly place: string; readonly remedy: string }[]
}

const RESULTS: Readonly<Record<string, string>> = {
  promoted: 'It is in hot now.',
  'already-hot': 'Hot had it already.',
  refused: 'Hot refused it for now: it left within the last minute, or hot is full or has something newer.',
  absent: 'There is no such entry any more.',
  demoted: 'It has left hot.',
  'not-hot': 'Hot did not have it.',
  kept: 'Hot keeps it: it was written or read meanwhile, or cold does not have its newest version yet.',
  pinned: 'It is pinned.',
  'already-pinned': 'It was pinned already.',
  unpinned: 'It is not pinned any more.',
  'not-pinned': 'It was not pinned.',
}

function outcomeText(route: string, { result, left = [] }: Changed): string {
  if (route === 'update') return 'Saved.'
  if (route === 'delete') return 'Deleted.'
  if (route === 'erase') return ['Erased.', ...left.map(({ place, remedy }) => `Left in ${place}: ${remedy}`)].join(' ')
  return route === 'demote' && result === 'pinned'
    ? 'It is pinned, and stays.'
    : (RESULTS[result ?? ''] ?? String(result))
}
