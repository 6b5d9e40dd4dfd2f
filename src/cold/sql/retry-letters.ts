/**
 * Writes dead letters once more, each as the old version that it is: upsert-newer.ts decides which version wins, so
 * that nothing newer is overwritten and nothing deleted comes back. A letter goes in the statement that writes its row,
 * or finds that cold has the same version or a newer one; the gate of that statement locks it, so that one which
 * somebody removed or erased meanwhile is not written. What is refused again stays as it is. Letters are made in
 * dead-letters.ts, and read and removed in erase-entries.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import { type EntryKey, keyText } from '../../entry/entry-key.ts'
import type { EntryRecord } from '../../entry/record.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { ReadableLetter, RetriedLetters } from '../cold-tier.ts'
import { findRefused } from './dead-letters.ts'
import { type Batch, isComplete, lostStaging, STAGING_ATTEMPTS, type Staging } from './entry-staging.ts'
import { takeOver } from './upsert-newer.ts'

type Tally = { -readonly [N in keyof RetriedLetters]: RetriedLetters[N] }

/** No two letters of one version; those of one key are written one after the other, the newest first. */
export async function retryLetters(staging: Staging, letters: readonly ReadableLetter[]): Promise<RetriedLetters> {
  const tally: Tally = { written: 0, superseded: 0, refused: [], generationNumber: undefined, missed: [] }
  for (const round of roundsOf(letters)) {
    const letterOf = new Map(round.map((letter) => [letter.record, letter]))
    const write = (records: readonly EntryRecord[]): Promise<void> =>
      writeOnceMore(
        staging,
        records.map((record) => letterOf.get(record)!),
        tally,
      )
    const { refused } = await findRefused([...letterOf.keys()], write)
    for (const { record, reason } of refused)
      tally.refused = [...tally.refused, { digest: letterOf.get(record)!.digest, reason }]
  }
  return tally
}

/** Either all of them, as far as they are there, or it rejects and nothing has changed. */
async function writeOnceMore(staging: Staging, letters: readonly ReadableLetter[], tally: Tally): Promise<void> {
  const { driver } = staging
  let there = letters
  for (let attempt = 1; there.length > 0 && attempt <= STAGING_ATTEMPTS; attempt++) {
    const records = there.map(({ record }) => record)
    const taken = await staging.through(records, undefined, (batch) =>
      takeOver(driver, batch, { gate: gateOf(there, batch), notesMisses: true, besides: endedLetters(there) }),
    )
    if (taken.moved) {
      tally.written += taken.written
      tally.superseded += there.length - taken.written - taken.belowHorizon
      tally.generationNumber = taken.generationNumber
      tally.missed = [...tally.missed, ...taken.missed]
      if (taken.belowHorizon > 0) tally.refused = [...tally.refused, ...(await belowHorizon(driver, there))]
      return
    }
    const left = await thoseThere(driver, there)
    // Somebody else had some of them: that says nothing of the database.
    if (left.length < there.length) attempt = 0
    there = left
  }
  if (there.length > 0) throw lostStaging()
}

/** Waits for whoever removes one of them. */
function gateOf(letters: readonly ReadableLetter[], batch: Batch): SQL {
  return sql`
    SELECT 1 FROM (
      SELECT digest FROM thermocline.dead_letters WHERE ${isAmong(letters)} ORDER BY digest FOR UPDATE
    ) AS held
    HAVING count(*) = ${letters.length}::int8 AND ${isComplete(batch)}`
}

/** What cold has by now, and tombstones that it needs no more: below the horizon nothing comes back (rule T4). */
function endedLetters(letters: readonly ReadableLetter[]): SQL {
  const columns = [
    letters.map(({ digest }) => digest),
    letters.map(({ record }) => record.namespace),
    letters.map(({ record }) => record.id),
  ].map((column) => sql.param(column))
  return sql`letters AS (
    DELETE FROM thermocline.dead_letters WHERE digest = ANY (ARRAY (
      SELECT decode(l.hex, 'hex')
      FROM unnest(${columns[0]}::text[], ${columns[1]}::text[], ${columns[2]}::text[]) AS l (hex, namespace, id)
      WHERE EXISTS (SELECT FROM gate)
        AND (l.namespace, l.id::uuid) NOT IN (SELECT v.namespace, v.id FROM verdicts v WHERE v.is_below_horizon)
    ))
  )`
}

async function belowHorizon(
  driver: ColdDriver,
  letters: readonly ReadableLetter[],
): Promise<RetriedLetters['refused']> {
  const left = await thoseThere(driver, letters)
  return left.map(({ digest }) => ({ digest, reason: 'below-horizon' }))
}

async function thoseThere(driver: ColdDriver, letters: readonly ReadableLetter[]): Promise<readonly ReadableLetter[]> {
  const rows = await driver.query(sql`
    SELECT encode(digest, 'hex') AS digest FROM thermocline.dead_letters WHERE ${isAmong(letters)}`)
  const there = new Set(rows.map(({ digest }) => digest))
  return letters.filter(({ digest }) => there.has(digest))
}

/** By the index, however many letters there are. */
function isAmong(letters: readonly ReadableLetter[]): SQL {
  const digests = letters.map(({ digest }) => digest)
  return sql`digest = ANY (ARRAY (SELECT decode(hex, 'hex') FROM unnest(${sql.param(digests)}::text[]) AS given (hex)))`
}

/** Each of them has no key twice. */
function roundsOf(letters: readonly ReadableLetter[]): ReadableLetter[][] {
  const byKey = new Map<string, ReadableLetter[]>()
  const newestFirst = [...letters].sort((a, b) => (a.record.version < b.record.version ? 1 : -1))
  for (const letter of newestFirst) {
    const name = keyText(letter.record satisfies EntryKey)
    byKey.set(name, [...(byKey.get(name) ?? []), letter])
  }
  const most = Math.max(0, ...[...byKey.values()].map(({ length }) => length))
  return Array.from({ length: most }, (_, round) => [...byKey.values()].flatMap((ofKey) => ofKey[round] ?? []))
}
