/** Shows what runs in the background: the latest sync, the next, what happened since; and runs one by hand. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { HistoryRow, SyncAnswer } from '../answers.ts'
import { type AskError, change } from './ask-server.ts'
import { clockText, countText, fromNowText, millisText, timeText } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { type Ran, type RunOutcome, runOutcome } from './run-outcome.ts'
import { useAnswer } from './use-answer.ts'
import { Card, Empty, ErrorNotice, Figure, Notice, PageHead, Reading, withCode } from './widgets.ts'

const EVERY_MS = 3_000

export function SyncPage({ overview }: PageProps): VNode {
  const { answer, error, reload } = useAnswer<SyncAnswer>('sync', {}, EVERY_MS)
  return html`<${PageHead} title="Sync">${overview?.isWritable && html`<${RunNow} onDone=${reload} />`}<//>
    ${answer && html`<${ErrorNotice} error=${error} />`}
    ${answer === undefined ? html`<${Reading} error=${error} />` : html`<${Known} answer=${answer} />`}`
}

function RunNow({ onDone }: { onDone: () => void }): VNode {
  const [state, setState] = useState<{ running?: string; outcome?: RunOutcome; error?: AskError }>({})
  const run = async (route: 'sync' | 'checkpoint'): Promise<void> => {
    setState({ running: route })
    try {
      setState({ outcome: runOutcome(route, await change<Ran>(route, {})) })
    } catch (error) {
      setState({ error: error as AskError })
    }
    onDone()
  }
  const isBusy = state.running !== undefined
  return html`<button type="button" disabled=${isBusy} onClick=${() => run('checkpoint')}>Checkpoint now</button>
    <button type="button" class="primary" disabled=${isBusy}
      onClick=${() => run('sync')}>${state.running === 'sync' ? 'Syncing …' : 'Sync now'}</button>
    <div class="outcome" aria-live="polite">
      ${state.outcome && html`<${Notice} tone=${state.outcome.tone}>${state.outcome.text}<//>`}
      <${ErrorNotice} error=${state.error} />
    </div>`
}

function Known({ answer }: { answer: SyncAnswer }): VNode {
  const { last, failed, next, lease, history } = answer
  const now = Date.now()
  const holder = lease === undefined ? 'no other is known' : lease.isOurs ? 'this process' : lease.holder
  return html`${failed && html`<${Failure} at=${failed.at} code=${failed.code} />`}
    <section class="figures" aria-label="Numbers of the sync">
      <${Figure} label="Last sync" value=${fromNowText(last?.startedAt, now)}
        note=${last ? `it took ${millisText(last.durationMs)}` : 'none is known'} />
      <${Figure} label="Moved" value=${countText(last?.synced)}
        note=${last ? `${countText(last.skipped)} skipped, ${countText(last.errors)} refused` : ''}
        tone=${(last?.errors ?? 0) > 0 ? 'bad' : undefined} />
      <${Figure} label="Next here" value=${next === undefined ? '–' : fromNowText(next, now)}
        note=${next === undefined ? 'no schedule in this process' : clockText(next)} />
      <${Figure} label="Syncs by lease" value=${lease === undefined ? '–' : lease.isOurs ? 'here' : 'elsewhere'}
        note=${holder} />
    </section>
    <${Card} title="What happened" aside="since the studio began to watch">
      <${History} rows=${history} />
    <//>`
}

function Failure({ at, code = 'unknown error' }: { at: number; code?: string | undefined }): VNode {
  return html`<${Notice} tone="bad">
    <strong>The latest sync of this process failed</strong> ${timeText(at)}: ${code}
  <//>`
}

function History({ rows }: { rows: readonly HistoryRow[] }): VNode {
  if (rows.length === 0)
    return html`<${Empty}>Nothing yet: syncs of this process stand here, and tiers that go and come.<//>`
  return html`<div class="scroll"><table>
    <thead><tr><th>when</th><th>what</th><th></th></tr></thead>
    <tbody>${rows.map(
      ({ at, what, text, isBad }) => html`<tr class=${isBad ? 'bad' : ''}>
        <td title=${timeText(at)}>${clockText(at)}</td><td><span class="tag">${what}</span></td>
        <td>${withCode(text)}</td>
      </tr>`,
    )}</tbody>
  </table></div>`
}
