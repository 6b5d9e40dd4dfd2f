/**
 * Starts {@link ./measure-case.ts} in a process of its own, from the compiled form of this file: its arguments are the
 * file of the case, and the job.
 */
import type { Job } from './bench.ts'
import type { BenchCase } from './bench-case.ts'
import { type Message, measureCase } from './measure-case.ts'

const [file, job] = process.argv.slice(2) as [string, string]
// Whoever started it is gone, and the servers with it.
process.once('disconnect', () => process.exit(1))
// That is for whoever started it: it ends this process when it ends the run.
process.on('SIGINT', () => {})

const say = (message: Message): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send!(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })

try {
  const { default: benchCase } = (await import(file)) as { default: BenchCase }
  await measureCase(benchCase, JSON.parse(job) as Job, say)
  process.exitCode = 0
} catch (error) {
  await say({ is: 'failure', text: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  process.exitCode = 1
}
// What a peer leaves running must not keep a finished case.
process.exit()
