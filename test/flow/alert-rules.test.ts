/** When an alert is raised and cleared, by readings alone; real faults are in test/servers/alerts.test.ts. */
import { describe, expect, test } from 'vitest'
import { DEFAULTS } from '../../src/default-options.ts'
import { ALERT_RULES, type AlertReadings, AlertStates } from '../../src/telemetry/alerts.ts'
import { recordLines } from '../tools/recorded-lines.ts'
import { openInMemory } from './stores.ts'

const WELL: AlertReadings = {
  ...{ checkpointLag: 0, pendingFill: 0, syncAge: 0, syncGap: 0, hotAway: 0, coldAway: 0, deadLetters: 0 },
  ...{ hotFill: 0, hitRatio: 1, hotLatency: 0, diskFree: 1, logGrowth: 0, clockDrift: 0 },
}

type Case = readonly [
  keyof typeof ALERT_RULES,
  Exclude<keyof AlertReadings, 'syncGap'>,
  well: number,
  at: number,
  easing: number,
]

/** The reading at the limit, and one between the limit and where the alert is cleared. */
const CASES: readonly Case[] = [
  ['checkpoint-lag', 'checkpointLag', 30_000, 60_000, 45_000],
  ['pending-full', 'pendingFill', 0.7, 0.8, 0.75],
  ['sync-overdue', 'syncAge', 0, 900_000, 850_000],
  ['hot-away', 'hotAway', 0, 30_000, 20_000],
  ['cold-away', 'coldAway', 0, 30_000, 20_000],
  ['dead-letters', 'deadLetters', 0, 0, 1],
  ['hot-full', 'hotFill', 0.9, 0.95, 0.92],
  ['hit-ratio-low', 'hitRatio', 0.24, 0.2, 0.22],
  ['hot-slow', 'hotLatency', 8, 10, 9],
  ['disk-low', 'diskFree', 0.111, 0.1, 0.105],
  ['log-growing', 'logGrowth', 600_000, 600_000, 600_001],
  ['clock-drift', 'clockDrift', 800, 1_000, 900],
]

test('every rule is looked at here', () => {
  expect(CASES.map(([code]) => code)).toEqual(Object.keys(ALERT_RULES))
})

describe.each(CASES)('%s', (code, reading, well, limit, easing) => {
  const past = limit < well ? limit * 0.99 : limit * 1.01 + 1e-3
  const raised = { code, severity: ALERT_RULES[code].severity, threshold: limit }

  test('is raised once past its limit, told once, and cleared with some distance', () => {
    const states = new AlertStates(DEFAULTS.alerts)
    const judge = (value: number | undefined | null, now: number) => states.judge({ ...WELL, [reading]: value }, now)
    expect(judge(limit, 1)).toEqual({ raised: [], cleared: [] })
    const { raised: told } = judge(past, 2)
    expect(told).toMatchObject([{ ...raised, since: new Date(2), value: past }])
    expect(told[0]!.message.length).toBeGreaterThan(80)
    expect(judge(past, 3)).toEqual({ raised: [], cleared: [] })
    expect(judge(easing, 4)).toEqual({ raised: [], cleared: [] })
    expect(judge(undefined, 5)).toEqual({ raised: [], cleared: [] })
    expect(states.raised).toMatchObject([{ ...raised, since: new Date(2), value: easing }])
    expect(judge(well, 6)).toMatchObject({ raised: [], cleared: [{ ...raised, since: new Date(2), value: well }] })
    expect(states.raised).toEqual([])
  })

  test('is over where there is nothing to judge, and never raised where its limit is false', () => {
    const states = new AlertStates(DEFAULTS.alerts)
    states.judge({ ...WELL, [reading]: past }, 1)
    expect(states.judge({ ...WELL, [reading]: null }, 2).cleared).toMatchObject([raised])
    const off = new AlertStates({ ...DEFAULTS.alerts, [ALERT_RULES[code].limit]: false })
    expect(off.judge({ ...WELL, [reading]: past }, 3).raised).toEqual([])
  })
})

test('syncs that are planned more rarely are overdue later', () => {
  const states = new AlertStates(DEFAULTS.alerts)
  expect(states.judge({ ...WELL, syncGap: 3_600_000, syncAge: 7_200_000 }, 1).raised).toEqual([])
  expect(states.judge({ ...WELL, syncGap: 3_600_000, syncAge: 7_200_001 }, 1).raised).toMatchObject([
    { code: 'sync-overdue', threshold: 7_200_000 },
  ])
})

test('nothing is told of a store that is well, nor of one that was opened without', async () => {
  const { lines, logger } = recordLines()
  await using store = await openInMemory({ logger })
  await store.chunks.put({ text: 'x' })
  expect(await store.alerts()).toEqual([])
  expect(lines.filter((line) => /^(warn|error)/.test(line))).toEqual([])
  const hot = { kind: 'memory', maxEntries: 1 } as const
  await using without = await openInMemory({ hot, alerts: false })
  await without.chunks.put({ text: 'x' })
  expect(await without.alerts()).toEqual([])
})
