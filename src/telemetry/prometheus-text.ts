/**
 * Numbers as Prometheus reads them: text exposition format 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/.
 */
import type { LatencyHistogram } from '../kernel/latency-histogram.ts'

export type Labels = Readonly<Record<string, string>>

/** Numbers of one name; those that are undefined are left out. */
export type MetricFamily = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly (readonly [Labels, number | undefined])[] }
  | { readonly type: 'histogram'; readonly samples: readonly (readonly [Labels, LatencyHistogram])[] }
)

/** Milliseconds: from 16 µs on, each twice the one before, up to 17 seconds. */
const BOUNDS = Array.from({ length: 21 }, (_, i) => (16 * 2 ** i) / 1_000)

export function prometheusText(families: readonly MetricFamily[]): string {
  return families.map(familyText).join('')
}

function familyText(family: MetricFamily): string {
  const { name, help, type } = family
  const lines = type === 'histogram' ? histogramLines(family) : sampleLines(family)
  if (lines.length === 0) return ''
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function sampleLines({ name, samples }: Extract<MetricFamily, { type: 'counter' | 'gauge' }>): string[] {
  return samples.flatMap(([labels, value]) => (value === undefined ? [] : [line(name, labels, value)]))
}

function histogramLines({ name, samples }: Extract<MetricFamily, { type: 'histogram' }>): string[] {
  return samples.flatMap(([labels, times]) => {
    const below = times.below(BOUNDS)
    return [
      ...BOUNDS.map((bound, i) => line(`${name}_bucket`, { ...labels, le: `${bound / 1_000}` }, below[i]!)),
      line(`${name}_bucket`, { ...labels, le: '+Inf' }, times.count),
      line(`${name}_sum`, labels, times.sum / 1_000),
      line(`${name}_count`, labels, times.count),
    ]
  })
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
