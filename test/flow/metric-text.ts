/** Reads what Prometheus reads, by the rules of its text format 0.0.4. */
import { expect } from 'vitest'

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ReadMetrics {
  readonly samples: readonly Sample[]
  readonly types: ReadonlyMap<string, string>
  /** The first number of that name that has these labels. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | undefined
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const HELP = new RegExp(`^# HELP ${NAME} [^\\n]+$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\["\\\\n])*",?)*)\\})? (\\S+)$`)

/** Throws where the text keeps not to the rules, or has one number twice. */
export function parseMetrics(text: string): ReadMetrics {
  expect(text.endsWith('\n')).toBe(true)
  const types = new Map<string, string>()
  const samples: Sample[] = []
  const series = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '' || HELP.test(line)) continue
    const [, typed, type] = TYPE.exec(line) ?? []
    if (typed !== undefined) {
      expect(types.has(typed), typed).toBe(false)
      types.set(typed, type!)
      continue
    }
    const [, name, pairs = '', value] = SAMPLE.exec(line) ?? []
    if (name === undefined) throw new Error(`no line of the format: ${line}`)
    const labels = Object.fromEntries(
      [...pairs.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!]),
    )
    const which = name + JSON.stringify(Object.entries(labels).sort())
    expect(series.has(which), which).toBe(false)
    series.add(which)
    expect(Number(value), line).not.toBeNaN()
    samples.push({ name, labels, value: Number(value) })
  }
  const value: ReadMetrics['value'] = (name, labels = {}) =>
    samples.find((sample) => sample.name === name && isPart(labels, sample.labels))?.value
  return { samples, types, value }
}

/** That buckets rise, and that the last is the count, for each series. */
export function checkHistograms({ samples, types }: ReadMetrics): void {
  for (const [name, type] of types) {
    if (type === 'counter') expect(name).toMatch(/_total$/)
    if (type !== 'histogram') continue
    for (const { labels, value: count } of samples.filter((sample) => sample.name === `${name}_count`)) {
      const buckets = samples.filter((sample) => sample.name === `${name}_bucket` && isPart(labels, sample.labels))
      expect(buckets.map(({ value }) => value)).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b))
      expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' }, value: count })
    }
  }
}

function isPart(labels: Readonly<Record<string, string>>, of: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([label, text]) => of[label] === text)
}
