/** Where the time of a case goes, by what the processor was seen doing. */
import { mkdir, writeFile } from 'node:fs/promises'
import type { Profiler } from 'node:inspector'
import { Session } from 'node:inspector/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { textTable } from '../../demo/text-table.ts'
import type { Job } from './bench.ts'
import type { Sample } from './bench-case.ts'

const SAMPLE_MICROSECONDS = 100
const FUNCTIONS_SHOWN = 30

/** Time by step and by function, in microseconds of this thread. */
export interface ProfiledTimes {
  readonly steps: ReadonlyMap<string, number>
  readonly functions: ReadonlyMap<string, number>
}

/** Measures once more under V8's profiler, writes what it recorded to the file of the job, and answers tables. */
export async function profile(measure: () => Promise<Sample>, job: Job): Promise<string> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS })
  await session.post('Profiler.start')
  const { figures } = await measure()
  const { profile: recorded } = await session.post('Profiler.stop')
  session.disconnect()
  await mkdir(dirname(job.profile!), { recursive: true })
  await writeFile(job.profile!, JSON.stringify(recorded))
  return profileText(timesOf(recorded, job.dist), figures)
}

export function timesOf(recorded: Profiler.Profile, dist: string): ProfiledTimes {
  const byId = new Map(recorded.nodes.map((node) => [node.id, node]))
  const steps = new Map<string, number>()
  const functions = new Map<string, number>()
  recorded.samples?.forEach((id, nth) => {
    const micros = recorded.timeDeltas?.[nth] ?? 0
    const { functionName, url, lineNumber } = byId.get(id)!.callFrame
    // The profiler itself, as it is started and stopped.
    if (functionName === 'dispatch' && url === '') return
    const step = stepOf(functionName, url, dist)
    add(steps, step, micros)
    const place = url === '' ? '' : ` ${url.split('/').at(-1)}:${lineNumber + 1}`
    if (!/^(\(|native: )/.test(step)) add(functions, `${step}: ${functionName || '(anonymous)'}${place}`, micros)
  })
  return { steps, functions }
}

function add(times: Map<string, number>, name: string, micros: number): void {
  times.set(name, (times.get(name) ?? 0) + micros)
}

/** A folder of `src`, a package, or a part of Node. V8 has names in parentheses for what is no function. */
export function stepOf(functionName: string, url: string, dist: string): string {
  if (functionName === '(idle)') return '(idle: waits for the disk, a server, another thread)'
  if (functionName === '(garbage collector)') return '(garbage collector)'
  if (functionName === '(program)') return '(native code without a name)'
  if (url.startsWith('node:internal/timers') || url === 'node:timers') return 'node: timers'
  if (/^node:(net|internal\/stream|stream)/.test(url)) return 'node: sockets and streams'
  if (url.startsWith('node:')) return `node: ${url.slice('node:'.length).split('/').slice(0, 2).join('/')}`
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  if (path.startsWith(`${dist}/`)) return `src/${path.slice(dist.length + 1).replace(/\.js$/, '')}`
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/.][^/]*)/.exec(path) ?? []
  if (name !== undefined) return `package ${name}`
  return url === '' ? `native: ${functionName}` : 'the case itself'
}

function profileText({ steps, functions }: ProfiledTimes, figures: Sample['figures']): string {
  const { calls = 1 } = figures
  const total = [...steps.values()].reduce((sum, micros) => sum + micros, 0)
  const table = (title: string, times: ReadonlyMap<string, number>, most: number): string => {
    const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, most)
    const rows = sorted.map(([name, micros]) => [
      name,
      (micros / calls).toFixed(2),
      `${((100 * micros) / total).toFixed(1)} %`,
    ])
    return textTable([[title, 'µs a call', 'share'], ...rows])
  }
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
  return [
    `${shown.join(', ')} (slower than unprofiled)`,
    `${(total / calls).toFixed(2)} µs of this thread a call`,
    '',
    table('step', steps, Number.POSITIVE_INFINITY),
    '',
    table('function, its own time', functions, FUNCTIONS_SHOWN),
  ].join('\n')
}
