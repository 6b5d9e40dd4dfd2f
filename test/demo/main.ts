/**
 * `npm run demo [-- FOLDER]`: thermocline's main job on real documents, in a data folder of its own; on the servers of
 * REDIS_URL and DATABASE_URL where they are set, and on private ones by `--servers`.
 *
 * Exit codes: 0 when everything held, 1 when it did not, 2 when the demo could not begin, 130 when interrupted.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDefaultCorpus, readFolderCorpus } from './markdown-corpus.ts'
import { type DemoOptions, parseOptions } from './options.ts'
import { QUESTIONS } from './questions.ts'
import { Refusal } from './refusal.ts'
import { printTables, shortcomings } from './report.ts'
import { withServers } from './servers.ts'
import { tellStory } from './story.ts'

async function runDemo({ folder, keep, servers: arePrivate }: DemoOptions, signal: AbortSignal): Promise<number> {
  const began = performance.now()
  const documents = await (folder === undefined ? readDefaultCorpus() : readFolderCorpus(folder))
  const questions = folder === undefined ? QUESTIONS : undefined
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-demo-'))
  try {
    const findings = await withServers(arePrivate, (servers) =>
      tellStory({ documents, questions, dir, servers, signal }),
    )
    printTables(findings)
    const reasons = shortcomings(findings, folder === undefined)
    for (const reason of reasons) console.error(`FAILED: ${reason}`)
    if (reasons.length === 0) console.log(`\nAll held, in ${Math.round((performance.now() - began) / 1000)} s.`)
    return reasons.length === 0 ? 0 : 1
  } finally {
    if (keep) console.log(`The data is in ${dir}`)
    else await rm(dir, { recursive: true })
  }
}

/** Interrupting ends the demo in good order; a second time, at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

async function main(): Promise<number> {
  const signal = abortOnSignals()
  try {
    const options = parseOptions(process.argv.slice(2))
    return options === undefined ? 0 : await runDemo(options, signal)
  } catch (error) {
    if (signal.aborted) return 130
    if (error instanceof Refusal) console.error(`demo: ${error.message}`)
    else console.error('FAILED:', error)
    return error instanceof Refusal ? 2 : 1
  }
}

process.exitCode = await main()
