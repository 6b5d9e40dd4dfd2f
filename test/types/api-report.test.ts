import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { makeReports, reportFile } from './api-report.ts'

const reports = await makeReports()

test('every entry of the package has a report, and no report is of an entry that has gone', async () => {
  const recorded = await readdir(dirname(reportFile('index')))
  expect(recorded.sort()).toEqual([...reports.keys()].map((entry) => `${entry}.d.ts`).sort())
})

test.each([...reports])('the public types of %s are those that were reviewed', async (entry, report) => {
  const remedy = 'A public type changed. If that is meant, run `npm run api` and commit what it writes.'
  expect(report, remedy).toBe(await readFile(reportFile(entry), 'utf8'))
})
