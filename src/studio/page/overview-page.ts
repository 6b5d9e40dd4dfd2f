/** Shows the page that opens first: what flows, what is where, what lags, and the last hour. Numbers are main.ts's. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { OverviewAnswer, Sample } from '../answers.ts'
import { FlowDrawing } from './flow-drawing.ts'
import { LineChart } from './line-chart.ts'
import {
  bytesText,
  countText,
  durationText,
  fromNowText,
  millisText,
  percentText,
  rateText,
  timeText,
} from './number-text.ts'
import type { PageProps } from './page-props.ts'
import { useAnswer } from './use-answer.ts'
import { Card, Empty, Figure, PageHead } from './widgets.ts'

const SAMPLES_EVERY_MS = 10_000

export function OverviewPage({ overview }: PageProps): VNode {
  const { answer: samples = [] } = useAnswer<readonly Sample[]>('samples', {}, SAMPLES_EVERY_MS)
  return html`<${PageHead} title="Overview" />
    ${
      overview === undefined
        ? html`<${Empty}>Reading the numbers …<//>`
        : html`<${Card} wide><${FlowDrawing} overview=${overview} /><//>
            <${Figures} overview=${overview} />
            <${Charts} samples=${samples} />
            <${Calls} overview=${overview} />`
    }`
}

function Figures({ overview }: { overview: OverviewAnswer }): VNode {
  const { tiers, cold, lag, now, lastSync, nextSync } = overview
  const { hot } = tiers
  const asOf = hot.state === 'away' || tiers.cold.state === 'away'
  const letters = cold.deadLetters ?? 0
  return html`<section class="figures" aria-label="Numbers">
    <${Figure} label="Hot" value=${countText(hot.entries)}
      note=${noteOf(bytesText(hot.bytes), asOf && hot.asOf, now)} />
    <${Figure} label="Cold" value=${countText(tiers.cold.entries)}
      note=${noteOf(bytesText(tiers.cold.bytes), asOf && tiers.cold.asOf, now)} />
    <${Figure} label="Found in hot" value=${percentText(hot.hitRatio)} note="of what was looked up there" />
    <${Figure} label="Lag" value=${durationText(lag.seconds)}
      note=${`${countText(lag.records)} records, ${bytesText(lag.bytes)}`}
      tone=${lag.seconds > 60 ? 'bad' : undefined} />
    <${Figure} label="Dead letters" value=${countText(cold.deadLetters)} note="writes the database refused"
      tone=${letters > 0 ? 'bad' : undefined} />
    <${Figure} label="Pinned" value=${countText(cold.pinned)} note="stay in hot" />
    <${Figure} label="Tombstones" value=${countText(cold.tombstones)} note="of deleted entries" />
    <${Figure} label="Last sync" value=${fromNowText(lastSync?.startedAt, now)}
      note=${nextSync === undefined ? 'none is due here' : `next ${fromNowText(nextSync, now)}`} />
  </section>`
}

/** Says how old a number is that a tier said before it was away. */
function noteOf(text: string, asOf: number | false | undefined, now: number): string {
  return asOf === false || asOf === undefined || now - asOf < 5_000 ? text : `${text}, said ${fromNowText(asOf, now)}`
}

function Charts({ samples }: { samples: readonly Sample[] }): VNode {
  if (samples.length < 2)
    return html`<${Card}
      title="The last hour"><${Empty}>A reading is taken every ten seconds: lines begin with the second one.<//><//>`
  const times = samples.map(({ at }) => at)
  const line = (label: string, colour: string, of: (sample: Sample) => number | undefined) => {
    return { label, colour, values: samples.map(of) }
  }
  return html`<div class="charts">
    <${Card}><${LineChart} title="Throughput" times=${times} format=${rateText} lines=${[
      line('written', '--log', ({ writes }) => writes),
      line('read', '--hot', ({ reads }) => reads),
      line('queries', '--cold', ({ queries }) => queries),
    ]} /><//>
    <${Card}><${LineChart} title="Latency, 99 of 100 calls" times=${times} format=${millisText} lines=${[
      line('write', '--log', ({ writeP99 }) => writeP99),
      line('read', '--hot', ({ readP99 }) => readP99),
      line('query', '--cold', ({ queryP99 }) => queryP99),
    ]} /><//>
    <${Card}><${LineChart} title="Found in hot" times=${times} format=${percentText} lines=${[
      line('hit ratio', '--hot', ({ hitRatio }) => hitRatio),
    ]} /><//>
    <${Card}><${LineChart} title="Lag of cold" times=${times} format=${durationText} lines=${[
      line('oldest unshipped', '--cold', ({ lagSeconds }) => lagSeconds),
    ]} /><//>
  </div>`
}

function Calls({ overview: { calls, countedSince } }: { overview: OverviewAnswer }): VNode {
  return html`<${Card} title="Calls of this process" aside=${`last minute; counted since ${timeText(countedSince)}`}>
    ${
      calls.length === 0
        ? html`<${Empty}>None in the last minute.<//>`
        : html`<div class="scroll"><table>
            <thead><tr><th>call</th><th class="number">count</th><th class="number">failed</th><th
              class="number">p50</th><th class="number">p99</th></tr></thead>
            <tbody>${calls.map(
              ({ call, count, failed, p50, p99 }) => html`<tr key=${call}>
                <td><code>${call}</code></td><td class="number">${countText(count)}</td>
                <td class=${failed > 0 ? 'number bad' : 'number'}>${countText(failed)}</td>
                <td class="number">${millisText(p50)}</td><td class="number">${millisText(p99)}</td>
              </tr>`,
            )}</tbody>
          </table></div>`
    }
  <//>`
}
