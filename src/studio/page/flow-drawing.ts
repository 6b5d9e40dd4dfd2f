/**
 * Draws how data flows, with what each tier holds and how much goes each way. What is drawn where is said by two plans,
 * for wide and for narrow screens; what it says comes from the overview.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { OverviewAnswer, TierAnswer } from '../answers.ts'
import { bytesText, countText, durationText, rateText } from './number-text.ts'

type BoxName = 'callers' | 'log' | 'pending' | 'hot' | 'cold'
type ArrowName = 'write' | 'durable' | 'warm' | 'checkpoint' | 'promote' | 'demote' | 'read' | 'query'
type Anchor = 'start' | 'middle' | 'end'

interface Plan {
  readonly width: number
  readonly height: number
  readonly boxes: Readonly<Record<BoxName, readonly [x: number, y: number, width: number, height: number]>>
  readonly arrows: Readonly<Record<ArrowName, readonly [path: string, x: number, y: number, anchor: Anchor]>>
}

const WIDE: Plan = {
  width: 960,
  height: 350,
  boxes: {
    callers: [12, 112, 130, 84],
    log: [250, 20, 190, 96],
    pending: [250, 196, 190, 96],
    hot: [520, 196, 170, 96],
    cold: [778, 20, 170, 272],
  },
  arrows: {
    write: ['M142 134 C200 134 190 68 244 68', 150, 84, 'start'],
    durable: ['M345 116 V190', 355, 158, 'start'],
    warm: ['M440 244 H514', 477, 234, 'middle'],
    checkpoint: ['M440 68 H772', 606, 56, 'middle'],
    promote: ['M778 228 H696', 737, 218, 'middle'],
    demote: ['M690 264 H772', 731, 284, 'middle'],
    read: ['M250 244 C190 244 200 176 148 176', 150, 236, 'start'],
    query: ['M863 292 V326 H77 V202', 470, 318, 'middle'],
  },
}

const NARROW: Plan = {
  width: 344,
  height: 520,
  boxes: {
    callers: [34, 6, 304, 44],
    log: [34, 104, 134, 84],
    pending: [204, 104, 134, 84],
    hot: [204, 250, 134, 84],
    cold: [34, 404, 304, 104],
  },
  arrows: {
    write: ['M60 50 V98', 68, 80, 'start'],
    durable: ['M168 164 H198', 171, 204, 'start'],
    warm: ['M270 188 V244', 278, 222, 'start'],
    checkpoint: ['M60 188 V398', 68, 290, 'start'],
    promote: ['M318 404 V340', 312, 392, 'end'],
    demote: ['M216 334 V398', 224, 354, 'start'],
    read: ['M312 104 V56', 304, 80, 'end'],
    query: ['M34 446 H14 V28 H28', 10, 240, 'middle'],
  },
}

const TITLES: Readonly<Record<BoxName, string>> = {
  callers: 'Callers',
  log: 'Log',
  pending: 'Pending',
  hot: 'Hot',
  cold: 'Cold',
}

export function FlowDrawing({ overview }: { overview: OverviewAnswer }): VNode {
  return html`<div class="flow">
    <div class="flow-wide"><${Drawing} plan=${WIDE} overview=${overview} isNarrow=${false} /></div>
    <div class="flow-narrow"><${Drawing} plan=${NARROW} overview=${overview} isNarrow=${true} /></div>
  </div>`
}

function Drawing({ plan, overview, isNarrow }: { plan: Plan; overview: OverviewAnswer; isNarrow: boolean }): VNode {
  const arrows = arrowTexts(overview)
  const label = (Object.keys(arrows) as ArrowName[]).map((name) => arrows[name].text).join(', ')
  const head = isNarrow ? 'arrow-narrow' : 'arrow-wide'
  return html`<svg viewBox=${`0 0 ${plan.width} ${plan.height}`} role="img" aria-label=${`Data flow: ${label}`}>
    <defs>
      <marker id=${head} viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">
        <path d="M0 0 L8 4 L0 8 z" class="arrow-head" />
      </marker>
    </defs>
    ${(Object.keys(plan.arrows) as ArrowName[]).map((name) => {
      const [path, x, y, anchor] = plan.arrows[name]
      const { text, rate } = arrows[name]
      const turn = isNarrow && name === 'query' ? `rotate(-90 ${x} ${y})` : undefined
      return html`<g class=${`arrow ${name} ${paceOf(rate)}`}>
        <path d=${path} marker-end=${`url(#${head})`} />
        <text x=${x} y=${y} text-anchor=${anchor} transform=${turn}>${text}</text>
      </g>`
    })}
    ${(Object.keys(plan.boxes) as BoxName[]).map((name) => {
      return html`<${Box} name=${name} box=${plan.boxes[name]} lines=${boxLines(name, overview)}
        isAway=${isAway(name, overview)} />`
    })}
  </svg>`
}

interface BoxProps {
  name: BoxName
  box: readonly [number, number, number, number]
  lines: readonly string[]
  isAway: boolean
}

function Box({ name, box: [x, y, width, height], lines, isAway }: BoxProps): VNode {
  const isFlat = height < 60
  return html`<g class=${`box ${name} ${isAway ? 'away' : ''}`}>
    <rect x=${x} y=${y} width=${width} height=${height} rx="10" />
    <text x=${x + 14} y=${y + (isFlat ? height / 2 + 5 : 26)} class="box-title">
      ${TITLES[name]}${isAway ? ' · away' : ''}
    </text>
    ${lines.map((line, nth) => html`<text x=${x + 14} y=${y + 48 + nth * 20} class="box-line">${line}</text>`)}
  </g>`
}

function isAway(name: BoxName, { tiers }: OverviewAnswer): boolean {
  return (name === 'hot' || name === 'cold') && tiers[name].state === 'away'
}

function boxLines(name: BoxName, { tiers, lag, cold }: OverviewAnswer): readonly string[] {
  if (name === 'callers') return []
  if (name === 'log') return [`${countText(lag.records)} records owed`, `lag ${durationText(lag.seconds)}`]
  const held = heldLines(tiers[name])
  return name === 'cold' && (cold.unindexed ?? 0) > 0 ? [...held, `${countText(cold.unindexed)} to index`] : held
}

function heldLines({ entries, bytes }: TierAnswer): readonly string[] {
  return [`${countText(entries)} entries`, bytesText(bytes)]
}

function arrowTexts({ rates }: OverviewAnswer): Readonly<Record<ArrowName, { text: string; rate: number }>> {
  const of = (rate: number, text: string) => ({ rate, text: `${text} ${rateText(rate)}` })
  return {
    write: of(rates.writes, 'write'),
    durable: { rate: rates.writes, text: 'durable' },
    warm: { rate: rates.writes, text: 'ack' },
    checkpoint: of(rates.shipped, 'ship'),
    promote: of(rates.promoted, 'promote'),
    demote: of(rates.demoted, 'demote'),
    read: of(rates.reads, 'read'),
    query: of(rates.queries, 'find, search, count'),
  }
}

/** How quickly an arrow moves. */
function paceOf(rate: number): string {
  if (rate === 0) return 'still'
  return rate < 10 ? 'slow' : rate < 1_000 ? 'brisk' : 'fast'
}
