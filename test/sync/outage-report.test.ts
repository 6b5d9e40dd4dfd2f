import { expect, test } from 'vitest'
import { ThermoclineError } from '../../src/errors.ts'
import { OutageReport } from '../../src/sync/outage-report.ts'
import { recordLines, withoutDetails } from '../tools/recorded-lines.ts'

const AWAY = new ThermoclineError('ERR_TIER_UNAVAILABLE', 'away', { tier: 'cold' })

test('a tier that is away for an hour, with a failure a second, has a handful of lines, and one when it is back', () => {
  const { lines, logger } = recordLines()
  let now = 0
  const outages = new OutageReport(logger, () => now)
  for (; now < 3_600_000; now += 1_000) expect(outages.note(AWAY)).toBe(true)
  const told = () => withoutDetails(lines)
  expect(told()[0]).toMatch(/^error the cold tier is away: .*wal\.maxPendingBytes/)
  expect(told().slice(1)).toEqual(Array(5).fill('error the cold tier is still away'))
  expect(outages.isAway('cold')).toBe(true)
  outages.isBack('cold')
  outages.isBack('cold')
  expect(told().slice(6)).toEqual(['info the cold tier is back'])
  expect(outages.isAway('cold')).toBe(false)
  outages.note(AWAY)
  expect(told()).toHaveLength(8)
})

test('what the database refuses a role is no outage, and is told once for each thing', () => {
  const { lines, logger } = recordLines()
  const outages = new OutageReport(logger)
  const denied = (message: string) =>
    new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' }, { cause: { code: '42501' } })
  for (let n = 0; n < 3; n++) {
    expect(outages.note(denied('no sequence'))).toBe(true)
    expect(outages.isAway('cold')).toBe(false)
    outages.isBack('cold')
  }
  outages.report(denied('no table'))
  const told = withoutDetails(lines).filter((line) => !line.startsWith('debug'))
  expect(told.map((line) => line.split(':')[0])).toEqual(
    Array(2).fill('error the database refuses this role what the store needs'),
  )
})

test('tiers are told apart, and other failures are not told here', () => {
  const { lines, logger } = recordLines()
  const outages = new OutageReport(logger)
  expect(outages.note(new Error('anything'))).toBe(false)
  expect(outages.note(new ThermoclineError('ERR_WAL_FAILED', 'stopped', {}))).toBe(false)
  outages.isGone('hot')
  outages.isBack('cold')
  outages.note(AWAY)
  outages.isBack('hot')
  expect(withoutDetails(lines).map((line) => line.split(':')[0])).toEqual([
    'error the hot tier is away',
    'error the cold tier is away',
    'info the hot tier is back',
  ])
})
