/** The process of one case: sets it up, measures every subject in each round, and tells the process that started it. */
import { Bench, type Job } from './bench.ts'
import type { BenchCase, Sample } from './bench-case.ts'
import { profile } from './profile.ts'

/** What the process says of its work. */
export type Message =
  | { readonly is: 'step'; readonly text: string }
  | { readonly is: 'sample'; readonly subject: string; readonly sample: Sample }
  | { readonly is: 'profile'; readonly text: string }
  | { readonly is: 'failure'; readonly text: string }

/** Answers once it is all said. */
export async function measureCase(benchCase: BenchCase, job: Job, say: (message: Message) => void): Promise<void> {
  await using bench = new Bench(job)
  say({ is: 'step', text: 'setting up' })
  const subjects = Object.entries(await benchCase.setUp(bench))
  if (job.profile !== undefined) {
    const [, measure] = subjects[0]!
    await measure()
    return say({ is: 'profile', text: await profile(measure, job) })
  }
  for (const [name, measure] of subjects) {
    say({ is: 'step', text: `warming up: ${name}` })
    await measure()
  }
  for (let round = 0; round < job.rounds; round++) {
    // Each second round the other way: who comes after whom must not matter.
    for (const [name, measure] of round % 2 === 0 ? subjects : subjects.toReversed()) {
      say({ is: 'step', text: `round ${round + 1} of ${job.rounds}: ${name}` })
      globalThis.gc?.()
      say({ is: 'sample', subject: name, sample: await measure() })
    }
  }
}
