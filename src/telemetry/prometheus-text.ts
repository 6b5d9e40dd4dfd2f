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

/** A number under its whole name, as a line of the text has it. */
export interface MetricSample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

export function prometheusText(families: readonly MetricFamily[]): string {
  return families.map(familyText).join('')
}

/** The numbers of a family, those of a histogram as the counters that it is told by. */
export function samplesOf(family: MetricFamily): MetricSample[] {
  return family.type === 'histogram' ? histogramSamples(family) : knownSamples(family)
}

function familyText(family: MetricFamily): string {
  const { name, help, type } = family
  const lines = samplesOf(family).map(line)
  if (lines.length === 0) return ''
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function knownSamples({ name, samples }: Extract<MetricFamily, { type: 'counter' | 'gauge' }>): MetricSample[] {
  return samples.flatMap(([labels, value]) => (value === undefined ? [] : [{ name, labels, value }]))
}

function histogramSamples({ name, samples }: Extract<MetricFamily, { type: 'histogram' }>): MetricSample[] {
  return samples.flatMap(([labels, times]) => {
    const below = times.below(BOUNDS)
    const bucket = (le: string, value: number) => ({ name: `${name}_bucket`, labels: { ...labels, le }, value })
    return [
      ...BOUNDS.map((bound, i) => bucket(`${bound / 1_000}`, below[i]!)),
      bucket('+Inf', times.count),
      { name: `${name}_sum`, labels, value: times.sum / 1_000 },
      { name: `${name}_count`, labels, value: times.count },
    ]
  })
}

function line({ name, labels, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
