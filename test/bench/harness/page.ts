/** The page of a run: one file, without anything from elsewhere. */
import type { Line } from './figures.ts'
import type { Report } from './report.ts'
import { figure, goalsText, number, spread, verdict } from './table.ts'

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1b2733 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #d9e0e6; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
.missed { color: #a3271b; font-weight: 600 }
.reached { color: #1c6b3c }
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
</html>
`
}

/** Text as it stands, wherever it is put. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
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
