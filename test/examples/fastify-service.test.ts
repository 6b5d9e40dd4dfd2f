/** The example of a service, on servers, with `thermocline sync` beside it as a process of its own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { startCli } from '../cli/run-cli.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { ragService } from './fastify-service.ts'

/** The worker syncs every second, and whatever is in hot is old enough to leave. */
const EAGER = { sync: { schedule: '* * * * * *', hotToColdAge: 0 } }

describeWithServers('a service with fastify', (servers) => {
  test('answers each tenant from its own documents, while a worker beside it moves them to cold', async () => {
    const { hot, cold } = await servers.shared()
    const dir = await temporaryFolder()
    const config = join(dir, 'worker.json')
    await writeFile(config, JSON.stringify(EAGER))
    const env = { REDIS_URL: hot.url, DATABASE_URL: cold.url }
    const app = await ragService({ hot, cold, dir, checkpoint: { every: '100ms' } })
    const worker = startCli(['sync', '--dir', join(dir, 'worker'), '--config', config], { env })
    await worker.printed(/the sync worker runs/)

    const put = async (url: string, text: string) =>
      (await app.inject({ method: 'PUT', url, payload: { text } })).json()
    const ask = async (tenant: string, q: string) =>
      (await app.inject({ url: `/${tenant}/answer`, query: { q } })).json()
    expect(await put('/acme/documents/ice.md', 'Ice floats\n\nSalt melts ice')).toEqual({
      kept: 0,
      added: 2,
      removed: 0,
    })
    expect(await put('/acme/documents/ice.md', 'Ice floats on water\n\nSalt melts ice')).toMatchObject({ kept: 1 })
    await put('/initech/documents/lake.md', 'A lake is warm above')

    await vi.waitUntil(async () => await demoted(cold.url), { timeout: 60_000, interval: 100 })
    expect(await ask('acme', 'Why does ice float?')).toMatchObject({ answer: 'Ice floats on water' })
    expect(await ask('acme', 'a warm lake')).not.toMatchObject({ answer: 'A lake is warm above' })
    expect(await ask('initech', 'a warm lake')).toEqual({ answer: 'A lake is warm above', sources: ['lake.md'] })
    expect((await app.inject({ method: 'DELETE', url: '/initech/documents/lake.md' })).json()).toEqual({ removed: 1 })
    expect(await ask('initech', 'a warm lake')).toEqual({ answer: 'I do not know.', sources: [] })

    const refused = await app.inject({ method: 'PUT', url: '/acme/documents/nul', payload: { text: 'a\0b' } })
    expect([refused.statusCode, refused.json().code]).toEqual([400, 'ERR_INVALID_ENTRY'])
    expect((await app.inject('/ready')).statusCode).toBe(200)
    await app.close()
    worker.child.kill('SIGTERM')
    expect(await worker.result).toMatchObject({ code: 0 })
  })
})

/** Whether a sync has moved something. */
async function demoted(url: string): Promise<boolean> {
  const [row] = await queryServer(url, 'SELECT sum(synced)::int AS moved FROM thermocline.sync_runs')
  return Number(row!.moved) > 0
}
