/** Shows the write-ahead log of this process: what it has taken, what it owes, and how quickly it syncs. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { LogAnswer } from '../answers.ts'
import { bytesText, countText, millisText } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { useAnswer } from './use-answer.ts'
import { Card, CopyButton, ErrorNotice, Figure, PageHead, Reading } from './widgets.ts'

const EVERY_MS = 2_000

export function LogPage(_: PageProps): VNode {
  const { answer, error } = useAnswer<LogAnswer>('log', {}, EVERY_MS)
  return html`<${PageHead} title="Log" />
    ${answer && html`<${ErrorNotice} error=${error} />`}
    ${answer === undefined ? html`<${Reading} error=${error} />` : html`<${Known} log=${answer} />`}`
}

function Known({ log }: { log: LogAnswer }): VNode {
  const { id, epoch, sequence, checkpoint, lagRecords, lagBytes, oldestUnshippedMs, segments, bytes, appends } = log
  return html`<section class="figures" aria-label="Numbers of the log">
      <${Figure} label="Owed to cold" value=${countText(lagRecords)} note=${`records, ${bytesText(lagBytes)}`} />
      <${Figure} label="Oldest of them" value=${millisText(oldestUnshippedMs)} note="waiting"
        tone=${oldestUnshippedMs > 60_000 ? 'bad' : undefined} />
      <${Figure} label="Segments" value=${countText(segments)} note=${`files, ${bytesText(bytes)}`} />
      <${Figure} label="Groups synced" value=${countText(appends?.count ?? 0)}
        note=${appends ? `p50 ${millisText(appends.p50)}, p99 ${millisText(appends.p99)}` : 'none yet'} />
    </section>
    <${Card} title="How far">
      <${Reach} sequence=${sequence} checkpoint=${checkpoint} />
      <dl class="fields">
        <dt>log</dt><dd class="break"><code>${id}</code> <${CopyButton} text=${id} label="Copy the id of the log"
          /></dd>
        <dt>epoch</dt><dd>${countText(epoch)}, the number of its owner</dd>
        <dt>written up to</dt><dd>record ${countText(sequence)}</dd>
        <dt>cold has</dt><dd>every record up to ${countText(checkpoint)}</dd>
      </dl>
    <//>
    <p class="dim">
      This is the log of the process that serves the studio.
      The command <code>thermocline logs</code> lists every registered log, and <code>inspect</code> looks into files.
    </p>`
}

/** What cold has, and behind it what it is owed, of the latest thousand records or more. */
function Reach({ sequence, checkpoint }: { sequence: number; checkpoint: number }): VNode {
  const shown = Math.max(1_000, (sequence - checkpoint) * 1.25)
  const share = Math.min((sequence - checkpoint) / shown, 1)
  const label = `cold has all but ${countText(sequence - checkpoint)} records`
  return html`<svg class="reach" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=${label}>
    <rect x="0" y="0" width="100" height="6" class="reach-cold" />
    <rect x=${100 - share * 100} y="0" width=${share * 100} height="6" class="reach-owed" />
  </svg>`
}
