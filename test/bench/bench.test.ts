/** The command as a whole, on real servers, with the cheapest case. */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { longTest } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { describeWithPostgres, describeWithRedis } from '../tools/services.ts'

const ROOT = join(import.meta.dirname, '../..')
let dir: string

beforeAll(async () => {
  // A short name: the path of a socket, three folders further down, may have 107 bytes.
  dir = await mkdtemp(join(tmpdir(), 'bench-'))
  // Postgres runs as another user where we are root.
  await chmod(dir, 0o755)
})

afterAll(() => rm(dir, { recursive: true }))

async function bench(...args: string[]) {
  const loader = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href
  const command = ['--import', loader, join(ROOT, 'test/bench/main.ts'), ...args]
  // A folder for its files, to be seen empty again.
  const options = { cwd: dir, env: { ...process.env, TMPDIR: dir } }
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, command, options)) }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string }
  }
}

test('a wrong flag is refused by name', async () => {
  const { code, stdout, stderr } = await bench('--rouns', '3')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('--rouns')
})

describeWithRedis('on a Redis', () =>
  describeWithPostgres('and a Postgres', () => {
    describe('one round of a case', () => {
      longTest('prints its lines, writes all of its figures, and leaves nothing behind', async () => {
        const dist = dirname(compiled(join(ROOT, 'src/index.ts')))
        const args = ['--only', 'put-one-caller', '--rounds', '1', '--json', 'out.json', '--html', 'out.html']
        const { code, stdout, stderr } = await bench(...args, '--dist', dist)
        expect({ code, stderr }).toEqual({
          code: 0,
          stderr: expect.stringMatching(/^1\/1 put-one-caller \(\d+ s\)\n$/),
        })
        expect(stdout).toMatch(/^put on servers, 1 caller, p50 .*one fdatasync, one SET.*≤ 1\.5/m)
        const { cases } = JSON.parse(await readFile(join(dir, 'out.json'), 'utf8'))
        const { thermocline, ...references } = cases['put-one-caller'].rounds
        expect(thermocline).toEqual([{ curve: expect.any(Array), figures: expect.any(Object) }])
        expect(Object.keys(references)).toEqual(['one fdatasync, one SET'])
        expect((await readdir(dir)).filter((name) => name.startsWith('thermocline-'))).toEqual([])
      })
    })
  }),
)
