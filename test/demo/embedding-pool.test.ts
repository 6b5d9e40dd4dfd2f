import { expect, test } from 'vitest'
import { DIMENSIONS, EmbeddingPool } from './embedding-pool.ts'

const cosine = (a: Float32Array, b: Float32Array): number => {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

test('gives one vector per text, in order, nearer where the meaning is nearer', async () => {
  await using pool = await EmbeddingPool.open()
  const texts = ['How do I open the door?', 'Which key unlocks the entrance?', 'Bananas are yellow.']
  const [batch, ...single] = await Promise.all([pool.embed(texts), ...texts.map((text) => pool.embed([text]))])
  expect(batch).toEqual(single.flat())
  const [door, key, banana] = batch as [Float32Array, Float32Array, Float32Array]
  expect(door).toHaveLength(DIMENSIONS)
  expect(cosine(door, key)).toBeGreaterThan(cosine(door, banana))
})

test('refuses an empty text, and goes on', async () => {
  await using pool = await EmbeddingPool.open({ workers: 1 })
  await expect(pool.embed(['words', ' '])).rejects.toThrow('text 1 has no words')
  expect(await pool.embed(['words'])).toHaveLength(1)
})

test('an abort rejects the running and the waiting jobs with its reason', async () => {
  const controller = new AbortController()
  await using pool = await EmbeddingPool.open({ workers: 1, signal: controller.signal })
  const jobs = [pool.embed(['running']), pool.embed(['waiting'])]
  const reason = new Error('enough')
  controller.abort(reason)
  expect(await Promise.allSettled(jobs)).toEqual([
    { status: 'rejected', reason },
    { status: 'rejected', reason },
  ])
  await expect(pool.embed(['later'])).rejects.toBe(reason)
})

test('an abort while the models load ends the opening', async () => {
  const reason = new Error('enough')
  await expect(EmbeddingPool.open({ workers: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('closing rejects what is open, and is idempotent', async () => {
  const pool = await EmbeddingPool.open({ workers: 1 })
  const job = pool.embed(['running'])
  const rejected = expect(job).rejects.toThrow('closed')
  await Promise.all([pool.close(), pool.close()])
  await rejected
})

test.each([
  [
    'throws',
    'throw new Error("no such package\\nstack")',
    'an embedding worker failed (no such package): run `npm install`',
  ],
  ['ends', 'process.exit(3)', 'an embedding worker ended with code 3: run `npm install`'],
])('a worker that %s while it loads rejects with the remedy', async (_, source, message) => {
  const script = new URL(`data:text/javascript,${encodeURIComponent(source)}`)
  await expect(EmbeddingPool.open({ script })).rejects.toThrow(message)
})

test('a worker that dies in its job rejects that and what comes after', async () => {
  const answerOnce = `import { parentPort } from 'node:worker_threads'
    parentPort.once('message', (texts) => {
      parentPort.once('message', () => process.exit(3))
      parentPort.postMessage({ type: 'done', vectors: texts.map(() => new Float32Array(512)) })
    })`
  const script = new URL(`data:text/javascript,${encodeURIComponent(answerOnce)}`)
  await using pool = await EmbeddingPool.open({ script, workers: 1 })
  const jobs = await Promise.allSettled([pool.embed(['first']), pool.embed(['second'])])
  expect(jobs.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(pool.embed(['third'])).rejects.toThrow('ended with code 3')
})
