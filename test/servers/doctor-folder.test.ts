/** What `thermocline doctor` finds where the data folder cannot be used, and that it looks at the rest all the same. */
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { diagnoseStore, type Finding } from '../../src/admin/diagnose-store.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { runCli, startNode } from '../cli/run-cli.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'
import { describeWherePermitted } from '../tools/services.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { describeWithSmallDisks, makeReadOnly, smallDisk } from '../wal/small-disk.ts'

const NOBODY = 65_534

const find = async (options: MemoryStoreOptions) => (await diagnoseStore({ logger: false, ...options })).findings
const codes = async (options: MemoryStoreOptions) => (await find(options)).map(({ code }) => code)

const NO_FORMAT = {
  code: 'folder-unusable',
  what: expect.stringMatching(/^\/.*\/thermocline.json names no format$/),
  remedy: expect.stringMatching(/^restore it from a copy; where there is none, .*remove it/),
}
const READ_ONLY = {
  code: 'folder-unusable',
  what: expect.stringMatching(/^option `dir`: .* cannot be used: its file system is read-only$/),
  remedy: 'mount it writable, or name another folder',
}

describeWithServers('the doctor of a store on servers', (servers) => {
  test('finds a folder that cannot be used, and what is wrong with the database', async () => {
    const { hot, cold } = await servers.shared()
    const dir = await temporaryFolder()
    const options = { hot, cold, dir }
    await (await openMemoryStore({ ...options, ...QUIET, dir: await servers.folder() })).close()
    const letter = `INSERT INTO thermocline.dead_letters (digest, reason, record) VALUES ('\\x01', '23514', '\\x02')`
    await queryServer(cold.url, letter)
    expect(await codes(options)).toContain('dead-letters')
    expect(await codes(options)).not.toContain('folder-unusable')

    await writeFile(join(dir, 'wal'), '')
    expect(await find(options)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ what: expect.stringContaining(`${join(dir, 'wal')} cannot`) }),
      ]),
    )
    expect((await codes(options)).filter((code) => code === 'folder-unusable')).toHaveLength(1)
    expect(await codes(options)).toContain('dead-letters')
    await rm(join(dir, 'wal'))

    await writeFile(join(dir, 'thermocline.json'), '')
    const env = { REDIS_URL: hot.url, DATABASE_URL: cold.url }
    const { code, stdout } = await runCli(['doctor', '--dir', dir, '--json'], { env })
    const { findings } = JSON.parse(stdout) as { findings: Finding[] }
    expect(code).toBe(1)
    expect(findings).toContainEqual(expect.objectContaining(NO_FORMAT))
    expect(findings.map((finding) => finding.code)).toContain('dead-letters')
  })

  describeWithSmallDisks('and a disk of its own', () => {
    test('finds that it is read-only', async () => {
      const { hot, cold } = await servers.shared()
      const dir = await smallDisk(2)
      expect(await codes({ hot, cold, dir })).not.toContain('folder-unusable')
      makeReadOnly(dir)
      expect(await find({ hot, cold, dir })).toContainEqual(expect.objectContaining(READ_ONLY))
    })
  })
})

describe('the doctor of an embedded store', () => {
  const template = new StoreTemplate()
  beforeAll(() => template.make())
  afterAll(() => template.remove())

  test('finds that the folder tells no format, and what else is wrong with it', async () => {
    const dir = await template.copy()
    await writeFile(join(dir, 'thermocline.json'), '{')
    await chmod(dir, 0o755)
    const hot = { kind: 'memory', maxBytes: 2 ** 50 } as const
    expect(await codes({ dir, hot })).toEqual(['folder-unusable', 'folder-open', 'memory-short'])
    const { code, stdout } = await runCli(['doctor', '--dir', dir])
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        /^folder-unusable: \/.*\/thermocline.json .*\n.*\n {2}what to do: restore it from a copy/,
      ),
    })
  })

  test('finds that its database is gone', async () => {
    const dir = await template.copy()
    await rm(join(dir, 'cold'), { recursive: true })
    expect(await find({ dir })).toEqual([
      {
        code: 'database-missing',
        what: `${dir} holds 0 logs and no database, and nothing was changed`,
        why: expect.any(String),
        remedy: expect.stringMatching(
          /^name the database .* make the empty folder .*\/cold, have `thermocline migrate`/,
        ),
      },
    ])
  })

  describeWherePermitted(['sh', '-c', 'test "$(id -u)" = 0'], 'with users apart', () => {
    test('finds that the folder, or one above it, is another user’s', async () => {
      const dir = await template.copy()
      await chmod(join(dir, '..'), 0o755)
      const findAsNobody = async (path: string) => {
        const child = join(import.meta.dirname, 'doctor-as-child.ts')
        const { code, stdout, stderr } = await startNode(child, [`${NOBODY}`, '--json', '--dir', path]).result
        expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
        return (JSON.parse(stdout) as { findings: Finding[] }).findings
      }
      const unusable = (path: string) => ({
        code: 'folder-unusable',
        what: expect.stringContaining(`option \`dir\`: ${path}`),
        remedy: 'let it read, write and enter the folder (chown, chmod), or name another',
      })
      expect(await findAsNobody(dir)).toMatchObject([unusable(dir)])
      expect(await findAsNobody(join(dir, 'cold'))).toMatchObject([unusable(join(dir, 'cold'))])
      await chmod(dir, 0o755)
      expect(await findAsNobody(dir)).toMatchObject([unusable(dir), { code: 'folder-open' }])
    })
  })

  describeWithSmallDisks('on a disk of its own', () => {
    test('finds that it is read-only', async () => {
      const dir = await smallDisk(2)
      await writeFile(join(dir, 'thermocline.json'), '{"format":1}')
      makeReadOnly(dir)
      expect(await find({ dir })).toMatchObject([READ_ONLY])
    })
  })
})
