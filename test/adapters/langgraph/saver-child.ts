/**
 * Puts checkpoints of three threads until it is killed. Each line on stdout is `put THREAD N` or `write THREAD N`,
 * after the call resolved. Arguments: options of the store as JSON, and the first N.
 */
import type { RunnableConfig } from '@langchain/core/runnables'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { say } from '../../../src/testkit/crash/say.ts'
import { METADATA } from './checkpoints.ts'
import { numbered, THREADS } from './numbered-checkpoints.ts'

const [options, first] = process.argv.slice(2) as [string, string]
const saver = new ThermoclineSaver(await openMemoryStore({ checkpoint: { every: 40 }, ...JSON.parse(options) }))

async function putForever(thread: string): Promise<never> {
  let parent: RunnableConfig = { configurable: { thread_id: thread } }
  for (let n = Number(first); ; n++) {
    const { checkpoint, newVersions } = numbered(n, n === Number(first))
    parent = await saver.put(parent, checkpoint, { ...METADATA, step: n }, newVersions)
    say(`put ${thread} ${n}`)
    await saver.putWrites(
      parent,
      [
        ['count', n],
        ['text', `of ${n}`],
      ],
      'task',
    )
    say(`write ${thread} ${n}`)
  }
}

await Promise.all(THREADS.map(putForever))
