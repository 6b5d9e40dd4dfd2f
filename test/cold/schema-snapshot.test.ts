/**
 * The newest migration leads to what the schema says: drizzle-kit would generate nothing. In a process of its own, as
 * drizzle-kit puts a member into every array, which `for … in` of others' code finds.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { expect, it } from 'vitest'
import * as schema from '../../src/cold/schema.ts'

it('migrations are what the schema says', async () => {
  const meta = new URL('../../drizzle/meta/', import.meta.url)
  const newest = readdirSync(meta)
    .filter((name) => name.endsWith('_snapshot.json'))
    .sort()
    .at(-1)!
  const snapshot = JSON.parse(readFileSync(new URL(newest, meta), 'utf8'))
  expect(await generateMigration(snapshot, generateDrizzleJson(schema))).toEqual([])
})
