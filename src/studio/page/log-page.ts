/**
 * Shows the write-ahead log of this process: what it has taken, what it owes, and how quickly it syncs; and those of
 * all processes, as the database knows them.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { LogAnswer, LogRow, LogsAnswer } from '../answers.ts'
import { bytesText, countText, durationText, millisText, shortId } from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { useAnswer } from './use-answer.ts'
import { Card, CopyButton, Empty, ErrorNotice, Figure, PageHead, Reading } from './widgets.ts'

const EVERY_MS = 2_000
const ALL_EVERY_MS = 5_000
/** A log that was not heard of for so long has no living owner. */
const SILENT_MS = 120_000

export function LogPage(_: PageProps): VNode {
  const { answer, error } = useAnswer<LogAnswer>('log', {}, EVERY_MS)
  return html`<${PageHead} title="Log" />
    ${answer && html`<${ErrorNotice} error=${error} />`}
    ${answer === undefined ? html`<${Reading} error=${error} />` : html`<${Known} log=${answer} />`}
    <${Registered} />`
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
    <//>`
}

function Registered(): VNode {
  const { answer, error } = useAnswer<LogsAnswer>('logs', {}, ALL_EVERY_MS)
  return html`<${Card} title="Registered logs" aside="of every process, and those of this folder">
      ${answer && html`<${ErrorNotice} error=${error} />`}
      ${answer === undefined && html`<${Reading} error=${error} />`}
      ${answer?.logs.length === 0 && html`<${Empty}>None is registered, and none is in this folder.<//>`}
      <ul class="rows" aria-label="Registered logs">
        ${answer?.logs.map((row) => html`<${Log} key=${row.id} row=${row} />`)}
      </ul>
    <//>
    <p class="dim">
      What a process that died owes is shipped by the next one that opens a store in its folder,
      or by <code>thermocline recover</code>; <code>thermocline inspect</code> looks into the files.
    </p>`
}

function Log({ row }: { row: LogRow }): VNode {
  const { id, epoch, place, sequence, heartbeatAgeMs, isRegistered, isOwn, isDamaged } = row
  const isSilent = isRegistered && heartbeatAgeMs > SILENT_MS
  return html`<li class="row">
    <div class="row-main">
      <div>
        <code title=${id}>${shortId(id)}</code>
        ${isOwn && html`${' '}<span class="tag">this process</span>`}
        ${isSilent && html`${' '}<span class="tag unknown">silent</span>`}
        ${!isRegistered && html`${' '}<span class="tag unknown">unknown to the database</span>`}
        ${isDamaged && html`${' '}<span class="tag unknown">damaged</span>`}
      </div>
      <div class="row-facts">
        <span class="break">${place ?? 'in memory'}</span>
        <span>${isRegistered ? 'heard of' : 'begun'} ${durationText(heartbeatAgeMs / 1_000)} ago</span>
        <span>epoch ${countText(epoch)}</span>
        <span>cold has it up to record ${countText(sequence)}</span>
        <span>${owedText(row)}</span>
      </div>
    </div>
  </li>`
}

function owedText({ owed, isDamaged }: LogRow): string {
  if (owed === undefined) return 'what it owes, its own machine alone can tell'
  if (owed === 0) return 'owes nothing'
  return `owes ${isDamaged ? 'at most ' : ''}${countText(owed)} records`
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
