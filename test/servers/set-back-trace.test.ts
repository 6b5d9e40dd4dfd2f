/** What an operator sees an hour later of a database that was set back, and of what it got again or lost. */
import { expect, test } from 'vitest'
import { diagnoseStore } from '../../src/admin/diagnose-store.ts'
import { openMemoryStore } from '../../src/index.ts'
import { LogText } from '../../src/testkit/contract/fresh-cold-tier.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'

describeWithServers('a database that was set back', (servers) => {
  const shipThenSetBack = async (segmentBytes: number) => {
    const { hot, cold } = await servers.shared()
    const logger = new LogText()
    const dir = await servers.folder()
    const store = await openMemoryStore({ hot, cold, dir, ...QUIET, wal: { segmentBytes }, logger })
    for (let n = 0; n < 60; n++) await store.chunks.put({ key: `k${n}`, text: 'x'.repeat(200) })
    await store.checkpoint()
    // Of another time, when nothing was lost.
    await queryServer(
      cold.url,
      `INSERT INTO thermocline.accepted_losses (wal_id, epoch, first_sequence, last_sequence, reason, accepted_at)
        SELECT wal_id, epoch, 6, 5, 'before', now() - interval '1 year' FROM thermocline.wal_checkpoints`,
    )
    // As a restored one has the log.
    await queryServer(cold.url, 'UPDATE thermocline.wal_checkpoints SET sequence = 5')
    await store.chunks.put({ key: 'k60', text: 'later' })
    await store.checkpoint()
    const { setBack } = store.health()
    const { id: walId } = (await store.stats()).wal
    await store.close()
    const { findings } = await diagnoseStore({ hot, cold, dir, logger: false })
    return { url: cold.url, logger, setBack, walId, told: findings.filter(({ code }) => code === 'set-back') }
  }
  const had = 'the database was set back: it had log records up to 60, and then up to 5'

  test('and got everything again is found as that, also after the process is gone', async () => {
    const { logger, setBack, walId, told } = await shipThenSetBack(1 << 20)
    expect(setBack).toEqual({ at: expect.any(Date), had: 60, has: 5, lost: [] })
    expect(told).toEqual([
      {
        code: 'set-back',
        what: expect.stringMatching(new RegExp(`^by \\S+Z ${had}; all of them were shipped again \\(log ${walId}\\)$`)),
        why: expect.stringContaining('as it was when the database was saved'),
        remedy: expect.stringContaining('see whether it was meant; then delete the rows'),
      },
    ])
    const again = logger.lines.find((line) => line.includes('shipped again what'))
    expect(again).toContain('"had":60,"has":5,"from":6,"to":60')
  })

  test('and lost what no segment holds any more is found with the records that are gone', async () => {
    const { url, setBack, walId, told } = await shipThenSetBack(4_096)
    const rows = await queryServer(
      url,
      'SELECT first_sequence::int AS "from", last_sequence::int AS "to" FROM thermocline.accepted_losses',
    )
    expect(rows).toEqual([{ from: 6, to: expect.any(Number) }])
    expect(setBack).toMatchObject({ had: 60, has: 5, lost: rows })
    const lost = `records 6 to ${(rows[0] as { to: number }).to} of it are lost`
    expect(told).toMatchObject([
      {
        what: expect.stringContaining(
          `${had}; those that are not recorded as lost were shipped again (log ${walId}: ${lost})`,
        ),
        remedy: expect.stringContaining('restore the database to a later point'),
      },
    ])
  })
})
