import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type BenchCase, figureAtMost, type Sample } from '../harness/bench-case.ts'

/** Run by a process of its own, so that nothing is loaded or compiled yet. Prints milliseconds. */
const SCRIPT = `
const began = performance.now()
const { openMemoryStore } = await import(process.argv[1])
const imported = performance.now()
const options = JSON.parse(process.argv[2])
const store = await openMemoryStore(options)
const opened = performance.now()
await store.close()
const closed = performance.now()
const figures = { import: imported - began, open: opened - imported, close: closed - opened }
if (options.inMemory) {
  const further = await openMemoryStore(options)
  figures.again = performance.now() - closed
  await further.close()
}
console.log(JSON.stringify({ figures }))
`

export default {
  title: 'opening a new embedded folder',
  rows: [
    { figure: 'open', unit: 'ms', goals: [figureAtMost(1_500)] },
    {
      title: 'opening an existing embedded folder',
      figure: 'open',
      unit: 'ms',
      subject: 'existing folder',
      goals: [figureAtMost(500)],
    },
    { title: 'closing an embedded folder', figure: 'close', unit: 'ms', subject: 'existing folder' },
    { title: "import 'thermocline'", figure: 'import', unit: 'ms', goals: [figureAtMost(50)] },
    { title: 'opening a store in memory', figure: 'open', unit: 'ms', subject: 'in memory' },
    { title: 'opening a further store in memory', figure: 'again', unit: 'ms', subject: 'in memory' },
  ],
  async setUp(bench) {
    const index = bench.moduleUrl('index')
    const run = async (options: object): Promise<Sample> => {
      const args = ['--input-type=module', '-e', SCRIPT, index, JSON.stringify(options)]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      return JSON.parse(stdout)
    }
    const existing = await bench.folder()
    await run({ dir: existing })
    return {
      'new folder': async () => run({ dir: await bench.folder() }),
      'existing folder': () => run({ dir: existing }),
      'in memory': () => run({ inMemory: true }),
    }
  },
} satisfies BenchCase
