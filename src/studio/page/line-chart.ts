/** Draws lines over the last hour with uPlot, in the colours of the page. What they show is the overview's choice. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

export interface Line {
  readonly label: string
  /** A colour of the style sheet, as `--hot`. */
  readonly colour: string
  readonly values: readonly (number | undefined)[]
}

interface ChartProps {
  title: string
  /** Milliseconds since 1970. */
  times: readonly number[]
  lines: readonly Line[]
  format: (value: number) => string
}

const HEIGHT = 170

export function LineChart({ title, times, lines, format }: ChartProps): VNode {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  const data = dataOf(times, lines)

  useEffect(() => {
    const at = place.current!
    const draw = (): void => {
      chart.current?.destroy()
      chart.current = new uPlot(optionsOf(at, lines, format), data, at)
    }
    draw()
    const resized = new ResizeObserver(() => chart.current?.setSize({ width: at.clientWidth, height: HEIGHT }))
    resized.observe(at)
    const colours = matchMedia('(prefers-color-scheme: dark)')
    colours.addEventListener('change', draw)
    addEventListener('theme', draw)
    return () => {
      resized.disconnect()
      colours.removeEventListener('change', draw)
      removeEventListener('theme', draw)
      chart.current?.destroy()
    }
  }, [])

  useEffect(() => chart.current?.setData(data), [times, lines])

  return html`<figure class="chart">
    <figcaption>
      <span class="chart-title">${title}</span>
      ${lines.map(
        ({ label, colour, values }) =>
          html`<span class="legend"><i
            class=${`swatch ${colour.slice(2)}`}></i>${label} ${latestText(values, format)}</span>`,
      )}
    </figcaption>
    <div ref=${place} class="plot" aria-hidden="true"></div>
  </figure>`
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map((at) => at / 1_000), ...lines.map(({ values }) => values.map((value) => value ?? null))]
}

function latestText(values: readonly (number | undefined)[], format: (value: number) => string): string {
  const latest = values.at(-1)
  return latest === undefined ? '–' : format(latest)
}

function optionsOf(place: HTMLElement, lines: readonly Line[], format: (value: number) => string): uPlot.Options {
  const colour = (name: string): string => colourOf(place, name)
  const axis = { stroke: colour('--dim'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  return {
    ...{ width: place.clientWidth, height: HEIGHT, legend: { show: false } },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_, __, most) => [0, most === null || most <= 0 ? 1 : most * 1.1] } },
    axes: [
      { ...axis, size: 28, space: 80, values: (_, ticks) => ticks.map(clockOf(ticks)) },
      { ...axis, size: 62, space: 36, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => ({ label: line.label, stroke: colour(line.colour), width: 1.8, points: { show: false } })),
    ],
  }
}

/** What a colour of the style sheet is now, light or dark: a canvas knows no variables. */
function colourOf(place: HTMLElement, name: string): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  place.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** With seconds, where ticks are less than a minute apart. */
function clockOf([first = 0, second = 0]: readonly number[]): (at: number) => string {
  const characters = second - first < 60 ? 'HH:MM:SS'.length : 'HH:MM'.length
  return (at) => new Date(at * 1_000).toLocaleTimeString('en-GB').slice(0, characters)
}
