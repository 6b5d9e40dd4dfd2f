/**
 * A RAG service with fastify: each tenant puts documents in, and questions are answered from what is found of its own.
 * It serves only; the work in the background is that of a process beside it, `thermocline sync` with the same servers.
 * `embedMany` and `reply` stand for models. A program of yours imports `thermocline`, and listens: `app.listen(…)`.
 */
import { type FastifyInstance, fastify } from 'fastify'
import { isThermoclineError, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'

/** Stands for an embedding model: how often each of a few words is in a text. */
const WORDS = ['ice', 'float', 'warm', 'lake', 'salt']
const embedMany = async (texts: string[]): Promise<number[][]> =>
  texts.map((text) => WORDS.map((word) => text.toLowerCase().split(word).length - 0.99))

/** Stands for a model: it quotes what was found. */
const reply = (found: readonly string[]): string => found[0] ?? 'I do not know.'

interface OfTenant {
  Params: { tenant: string; id: string }
}

/** @param options where the servers are; closing the service closes the store. */
export async function ragService(options: MemoryStoreOptions): Promise<FastifyInstance> {
  const embed = { model: 'words-1', dimensions: WORDS.length, embedMany }
  const store = await openMemoryStore({ ...options, sync: false, embed })
  const chunksOf = (tenant: string) => store.namespace('tenant', tenant).chunks

  const app = fastify()
  app.addHook('onClose', async () => void (await store.close()))
  app.setErrorHandler(async (error, _, answer) => {
    if (!isThermoclineError(error)) throw error
    const status = error.retryable ? 503 : error.code.startsWith('ERR_INVALID') ? 400 : 500
    return answer.code(status).send({ code: error.code, message: error.message })
  })

  app.put<OfTenant & { Body: { text: string } }>('/:tenant/documents/:id', async ({ params, body }) => {
    const paragraphs = body.text.split(/\n{2,}/).map((text) => ({ text }))
    const { kept, added, removed } = await chunksOf(params.tenant).replaceDocument(params.id, paragraphs)
    return { kept: kept.length, added: added.length, removed: removed.length }
  })
  app.delete<OfTenant>('/:tenant/documents/:id', async ({ params }) => ({
    removed: await chunksOf(params.tenant).deleteDocument(params.id),
  }))
  app.get<OfTenant & { Querystring: { q: string } }>('/:tenant/answer', async ({ params, query }) => {
    const { hits } = await chunksOf(params.tenant).search({ text: query.q, by: 'both', k: 3 })
    return { answer: reply(hits.map(({ entry }) => entry.text)), sources: hits.map(({ entry }) => entry.documentId) }
  })
  app.get('/ready', async (_, answer) => {
    const { ready, reasons } = store.health()
    return answer.code(ready ? 200 : 503).send({ reasons })
  })
  return app
}
