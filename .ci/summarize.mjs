/**
 * The end of `.ci/run`: what failed, by name and with its message, then one line `N passed, N failed`. Exits 1 when
 * anything failed. Whoever reads only the last lines of a run still learns which test it was.
 *
 * Usage: node .ci/summarize.mjs FAILED_STEPS RESULTS.json…, results as vitest's json reporter writes them.
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const MESSAGE_LINES = 25

const [failedSteps, ...runs] = process.argv.slice(2)
let passed = 0
let failed = Number(failedSteps)

function tell(what, message) {
  const lines = message.split('\n').slice(0, MESSAGE_LINES)
  console.log(`\nFAILED: ${what}\n${lines.map((line) => `    ${line}`).join('\n')}`)
}

for (const results of runs) {
  let run
  try {
    run = JSON.parse(readFileSync(results, 'utf8'))
  } catch (error) {
    // The run ended before it could tell, or never began.
    tell(results, error.message)
    failed++
    continue
  }
  passed += run.numPassedTests
  // A file that did not load, or an error outside of any test, is no failed test to vitest.
  failed += run.success ? 0 : Math.max(run.numFailedTests, 1)
  for (const file of run.testResults) {
    const name = relative(process.cwd(), file.name)
    const failures = file.assertionResults.filter(({ status }) => status === 'failed')
    for (const { fullName, failureMessages } of failures) tell(`${name} > ${fullName}`, failureMessages.join('\n'))
    if (file.status === 'failed' && failures.length === 0) tell(name, file.message)
  }
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
