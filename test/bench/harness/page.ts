/** The page of a run: one file, without anything from elsewhere. */
import { growthLines, latencyCurves, pairBars, ratioBars, shareBars } from './charts.ts'
import type { Line } from './figures.ts'
import type { CaseReport, Report } from './report.ts'
import { goalsText, spread, verdict } from './table.ts'
import { escapeHtml, figure, number } from './text.ts'

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1b2733 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #d9e0e6; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
.missed { color: #a3271b; font-weight: 600 }
.reached { color: #1c6b3c }
section { border-top: 1px solid #d9e0e6; margin-top: 2rem }
h3 { font-size: 1rem; margin-bottom: .3rem }
svg { display: block; max-width: 100%; height: auto; margin: .5rem 0 1rem }
svg text { font: 13px system-ui, sans-serif }
svg .value { fill: #51606d }
svg .axis { stroke: #d9e0e6 }
svg .goal { stroke: #1b2733; stroke-dasharray: 3 2; stroke-width: 1.5 }
svg rect.reached { fill: #1c6b3c }
svg rect.missed { fill: #c0503f }
svg rect.plain { fill: #51606d }
`

export function pageOf(report: Report): string {
  const lines = Object.values(report.cases).flatMap((one) => one.lines)
  const { date, commit, rounds, machine } = report
  const where = `${date.slice(0, 10)}, commit ${commit}, ${rounds} rounds, ${machine.processors}, Node ${machine.node}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>thermocline: benchmarks</title>
<style>${STYLE}</style>
<h1>thermocline: benchmarks</h1>
<p>${escapeHtml(where)}</p>
${tableHtml(lines)}
<h2>Ratios</h2>
<p>From the line at 1 to the right: more than the reference. A mark is where the goal is.</p>
${ratioBars(lines)}
${Object.values(report.cases).map(caseHtml).join('\n')}
</html>
`
}

function caseHtml(report: CaseReport): string {
  // Shares are drawn together.
  const compared = report.lines.filter(({ reference, unit }) => reference !== undefined && unit !== '%')
  const titles = [...new Set(compared.map(({ title }) => title))]
  const bars = titles.map((title) => {
    const lines = compared.filter((line) => line.title === title)
    return `<h3>${escapeHtml(title)}</h3>\n${pairBars(lines)}`
  })
  const curves = latencyCurves(report)
  const latencies =
    curves === undefined ? '' : `<h3>how long calls took, from the quickest to the slowest</h3>\n${curves}`
  const growth = growthLines(report) ?? ''
  const shares = shareBars(report) ?? ''
  const charts = [...bars, shares, growth, latencies].filter((chart) => chart !== '')
  if (charts.length === 0) return ''
  return `<section>\n<h2>${escapeHtml(report.title)}</h2>\n${charts.join('\n')}\n</section>`
}

function tableHtml(lines: readonly Line[]): string {
  const heads = ['work', 'figure', 'reference', '', 'ratio', 'goal', 'spread', '']
  const rows = lines.map((line) => {
    const { reference, ratio, unit } = line
    const cells = [
      line.title,
      figure(line.figure.median, unit),
      reference?.name ?? '',
      reference === undefined ? '' : figure(reference.figure.median, unit),
      ratio === undefined ? '' : number(ratio.median),
      goalsText(line.goals, unit),
      spread(line),
    ].map((text) => `<td>${escapeHtml(text)}</td>`)
    return `<tr>${cells.join('')}<td class="${verdict(line).toLowerCase()}">${verdict(line)}</td></tr>`
  })
  const head = heads.map((text) => `<th>${text}</th>`).join('')
  return `<table><thead><tr>${head}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table>`
}
