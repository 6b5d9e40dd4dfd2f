/** The demo on Redis and Postgres, as its user runs it; it must leave nothing on them. */
import { execFile } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { expect } from 'vitest'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { freePort } from '../tools/services.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')

/** Enough for a third in each tier. */
const MARKDOWN = Array.from(
  { length: 9 },
  (_, n) =>
    `# Layer ${n}\n\nAt depth ${n} the water of the lake is colder than at the layer above it, by ${n} degrees.\n`,
).join('\n')

async function demo(env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const [folder, temporary] = [await temporaryFolder(), await temporaryFolder()]
  await writeFile(join(folder, 'lake.md'), MARKDOWN)
  const { REDIS_URL: _, DATABASE_URL: __, ...rest } = process.env
  const result = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const settings = { env: { ...rest, TMPDIR: temporary, ...env } }
    const child = execFile(process.execPath, ['--import', TSX, MAIN, folder], settings, (___, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
  expect((await readdir(temporary)).filter((name) => name.startsWith('thermocline'))).toEqual([])
  return result
}

describeWithServers('the demo on Redis and Postgres', (servers) => {
  longTest('has two backends write at once, loses nothing, and leaves nothing behind', async () => {
    const url = await servers.databases.createEmpty()
    const redis = new Redis(servers.redisUrl)
    await redis.set('of somebody else', 'kept')
    const { code, stdout, stderr } = await demo({ REDIS_URL: servers.redisUrl, DATABASE_URL: url })
    expect({ code, errors: stderr.match(/FAILED.*/g) }).toEqual({ code: 0, errors: null })
    expect(stdout).toContain('in a database of its own')
    for (const name of ['killed backend 1', 'killed backend 2']) {
      const [, acknowledged, lost] = new RegExp(`^${name} +\\d+ +(\\d+) +\\d+ +(\\d+)$`, 'm').exec(stdout)!
      expect(Number(acknowledged)).toBeGreaterThanOrEqual(100)
      expect(lost).toBe('0')
    }
    expect(await redis.keys('*')).toEqual(['of somebody else'])
    await redis.quit()
    expect(await queryServer(url, "SELECT datname FROM pg_database WHERE datname LIKE 'thermocline_demo%'")).toEqual([])
    expect(await queryServer(url, "SELECT to_regnamespace('thermocline')::text AS schema")).toEqual([{ schema: null }])
  })

  longTest('refuses servers that are away, and one without the other, by one line', async () => {
    const away = `127.0.0.1:${await freePort()}`
    const url = await servers.databases.create()
    const cases = [
      [{ REDIS_URL: servers.redisUrl, DATABASE_URL: `postgres://app:hunter2@${away}/app` }, /Postgres at .* refuses/],
      [{ REDIS_URL: `redis://:hunter2@${away}`, DATABASE_URL: url }, /the hot tier at .* cannot be reached/],
      [{ DATABASE_URL: url }, /set both REDIS_URL and DATABASE_URL, or none/],
    ] as const
    for (const [env, remedy] of cases) {
      const { code, stderr } = await demo(env)
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^demo: [^\n]*\n$/) })
      expect(stderr).toMatch(remedy)
      expect(stderr).not.toContain('hunter2')
    }
    expect(await queryServer(url, "SELECT datname FROM pg_database WHERE datname LIKE 'thermocline_demo%'")).toEqual([])
  })
})
