import type { TieringPolicy } from '../../../src/index.ts'
import type { BenchCase, Row, Sample } from '../harness/bench-case.ts'
import { replayOf } from '../harness/replay.ts'
import { hitsOfLru, hitsOfOptimum, tracesFor } from '../harness/traces.ts'

const ROOM = 1_000
const LENGTH = 50_000
const TRACES = Object.keys(tracesFor(10, 1))
const POLICIES = ['by default', 'access count', 'activation', 'TinyLFU', 'balanced']

const rows: readonly Row[] = TRACES.flatMap((figure) => [
  ...POLICIES.map(
    (subject): Row => ({
      title: `hits, ${figure}: ${subject}`,
      subject,
      figure,
      unit: '%',
      reference: { subject: 'LRU' },
    }),
  ),
  { title: `hits, ${figure}: LRU`, subject: 'LRU', figure, unit: '%', reference: { subject: 'optimum' } },
])

/** A minute is kept out what left, as in a store: 1,200 reads of these. */
export default {
  title: 'hit ratio of policies, room for 1,000 of 10,000 entries, 20 reads a second',
  mostRounds: 1,
  limit: 300,
  rows,
  async setUp(bench) {
    const { byAccessCount, byActivation, tinyLfu } = await bench.module<typeof import('../../../src/index.ts')>('index')
    const { PRESETS } = await bench.module<typeof import('../../../src/policy/presets.ts')>('policy/presets')
    const replay = await replayOf(bench)
    const traces = tracesFor(ROOM, LENGTH)
    const policies: Record<string, TieringPolicy | undefined> = {
      'by default': undefined,
      'access count': byAccessCount(),
      activation: byActivation(),
      TinyLFU: tinyLfu(),
      balanced: PRESETS.balanced,
    }
    const measured = async (hits: (trace: Int32Array) => number | Promise<number>): Promise<Sample> => {
      const figures: Record<string, number> = {}
      for (const [name, trace] of Object.entries(traces)) figures[name] = 100 * (await hits(trace))
      return { figures }
    }
    const once = (work: () => Promise<Sample>) => {
      let sample: Promise<Sample> | undefined
      return () => (sample ??= work())
    }
    const ours = Object.entries(policies).map(
      ([name, policy]) => [name, once(() => measured((trace) => replay(trace, { room: ROOM, policy })))] as const,
    )
    return {
      ...Object.fromEntries(ours),
      LRU: once(() => measured((trace) => hitsOfLru(trace, ROOM))),
      optimum: once(() => measured((trace) => hitsOfOptimum(trace, ROOM))),
    }
  },
} satisfies BenchCase
