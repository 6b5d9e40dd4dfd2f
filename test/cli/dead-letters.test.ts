/** `thermocline dead-letters`: what it lists, and that it gives nothing up unless somebody means it. */
import { expect } from 'vitest'
import { chunkOf, versionOf } from '../../src/testkit/contract/cold-records.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'
import { openBackend } from '../servers/private-servers.ts'
import { longTest } from '../tools/budget.ts'
import { expectRefusal, runAll } from './run-cli.ts'

describeWithServers('dead letters', (servers) => {
  longTest('are listed, refused again by a retry that says why, and given up', async () => {
    const shared = await servers.shared()
    const dir = await servers.folder()
    const { cold } = await openBackend({ ...shared, ...QUIET, dir, logger: false })
    await cold.upsert([chunkOf('default', 1, 1, { key: 'k\u001b[31m', text: 'secret', position: -1 })])
    const { digest } = (await cold.deadLetters('', 1))[0]!
    const env = { REDIS_URL: shared.hot.url, DATABASE_URL: shared.cold.url, THERMOCLINE_DIR: await servers.folder() }
    const commands = [
      [],
      ['list', '--json', '--content'],
      ['retry', '--all'],
      ['drop', '--all'],
      ['drop', '--yes'],
      ['drop', 'k', '--yes'],
      ['drop', digest, '--yes'],
      ['list'],
    ]
    const answers = await runAll(
      commands.map((args) => ['dead-letters', ...args]),
      { env },
    )
    const [listed, whole, retried, unasked, nothing, misnamed, dropped, empty] = answers

    expect(listed).toMatchObject({ code: 0, stderr: '' })
    const entry = `chunk .* default {2}k\ufffd\\[31m {2}version ${versionOf(1)}`
    expect(listed!.stdout).toMatch(new RegExp(`^${digest}\n {2}${entry}\n`))
    expect(listed!.stdout).not.toContain('secret')
    expect(JSON.parse(whole!.stdout).items).toMatchObject([{ letter: digest, content: { text: 'secret' } }])
    expect(retried).toMatchObject({ code: 1, stdout: expect.stringMatching(/^of 1: 0 written.*\n {2}these stay: 1 /) })
    expectRefusal(unasked!, 2, 'pass --yes where nobody can be asked')
    expectRefusal(nothing!, 2, 'name letters, or say --all')
    expectRefusal(misnamed!, 2, '64 hex digits')
    expect(dropped).toMatchObject({ code: 0, stdout: 'dropped 1 of 1\n' })
    expect(empty).toMatchObject({ code: 0, stdout: expect.stringContaining('there is no dead letter') })
  })
})
