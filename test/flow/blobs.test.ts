/** Bytes that are no JSON are entries like any other, and no process of a version before them harms them. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { encodeRecord } from '../../src/entry/codec.ts'
import { RECORD_MARKER, RECORD_TYPES } from '../../src/wal/format.ts'
import { longTest } from '../tools/budget.ts'
import { describeGated, GatedTiers } from './gate.ts'
import { shareStore, temporaryFolder } from './stores.ts'

const PNG = new Uint8Array([0x89, 0x50, 0, 0xff, 0x5c, 0x27])

describeGated('blobs', (tiers, pair) => {
  const { store, view, clock } = shareStore(tiers)

  test('come back byte for byte from every tier, each time as the caller’s own', async () => {
    const { blobs, entries } = view()
    const given = Buffer.from(PNG)
    const input = { bytes: given, contentType: 'image/png', metadata: { n: 1 } }
    const { id } = await blobs.put(input)
    given.fill(1)
    const empty = await blobs.put({ bytes: new Uint8Array(), key: 'empty' })
    const look = async () => {
      const found = (await blobs.get(id))!
      expect(found).toMatchObject({ kind: 'blob', contentType: 'image/png', metadata: { n: 1 } })
      expect(found.bytes).toEqual(PNG)
      found.bytes.fill(0)
      expect((await entries.get(empty.id)) as object).toMatchObject({ bytes: new Uint8Array() })
      const { items } = await blobs.find({ where: { contentType: { startsWith: 'image/' } } })
      expect(items.map(({ bytes }) => bytes)).toEqual([PNG])
    }
    await look()
    await store().checkpoint()
    await look()
    await store().sync()
    await look()
    await look()
    await blobs.update(id, { bytes: new Uint8Array([7]), contentType: null })
    expect(await blobs.get(id)).toEqual(expect.not.objectContaining({ contentType: expect.anything() }))
    expect(JSON.parse(JSON.stringify(await blobs.get(id)))).toMatchObject({ bytes: 'Bw==' })
    const { version: _, ...read } = (await blobs.get(id))!
    await blobs.put(read)
    await blobs.delete(id)
    await store().checkpoint()
    expect(await blobs.get(id)).toBeUndefined()
    expect(await blobs.count()).toBe(1)
  })

  test.each<[string, object, string]>([
    ['no bytes', {}, 'bytes'],
    ['a text', { bytes: 'abc' }, 'bytes'],
    ['an ArrayBuffer', { bytes: new ArrayBuffer(1) }, 'bytes'],
    ['numbers', { bytes: [1] }, 'bytes'],
    ['more than 16 MiB', { bytes: new Uint8Array(16 * 1024 * 1024) }, 'input'],
    ['an empty content type', { bytes: PNG, contentType: '' }, 'contentType'],
    ['a text beside them', { bytes: PNG, text: 'a' }, 'input'],
  ])('are refused: %s', async (_, input, field) => {
    const refused = view().blobs.put(input as { bytes: Uint8Array })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field } })
  })

  test('of megabytes pass through every tier', async () => {
    const { blobs } = view()
    const bytes = new Uint8Array(5_000_000).map((_, i) => i * 7)
    const { id } = await blobs.put({ bytes })
    expect(Buffer.compare((await blobs.get(id))!.bytes, bytes)).toBe(0)
    await store().sync()
    expect(Buffer.compare((await blobs.get(id))!.bytes, bytes)).toBe(0)
  })

  longTest('are records that a log of a version before them refuses, and are recovered from', async () => {
    const dir = await temporaryFolder()
    const own = new GatedTiers()
    const first = await own.open({ dir })
    await first.blobs.put({ key: 'b', bytes: PNG })
    expect(await recordTypes(dir)).toEqual([RECORD_TYPES.blob])
    own.cold.refuse('ship')
    await first.close({ timeout: 1_000 })
    own.cold.allow()
    await using again = await own.open({ dir })
    expect((await again.blobs.getByKey('b'))?.bytes).toEqual(PNG)
  })

  test.runIf(pair.name.startsWith('Redis'))(
    'without bytes in hot, as an older version promotes them, are a miss',
    async () => {
      const { blobs } = view()
      const { id, version } = await blobs.put({ bytes: PNG })
      await store().sync()
      await pair.expireMarkers(clock)
      const [row] = await tiers.cold.tier.read([{ namespace: blobs.namespace, id }])
      const { tier } = tiers.hot
      const payload = encodeRecord({ ...row!.record, bytes: null })
      const write = { key: row!.record, version, deleted: false, expiresAt: null, payload, startedAt: tier.now() }
      const [result] = await tier.write([{ ...write, reason: 'promotion', generationId: tier.generationId }])
      expect(result?.status).toBe('stored')
      expect((await blobs.get(id))?.bytes).toEqual(PNG)
      // What cold has whole enters once the marker has ended.
      await vi.waitFor(async () => expect(await tier.read([row!.record])).toEqual([undefined]), { timeout: 20_000 })
      await pair.expireMarkers(clock)
      expect(await blobs.promote(id)).toBe('promoted')
    },
  )
})

/** The types of what a folder's logs hold. */
async function recordTypes(dir: string): Promise<number[]> {
  const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.wal'))
  const types: number[] = []
  for (const file of files) {
    const bytes = await readFile(join(dir, file))
    for (let at = 0; at + 16 <= bytes.length; at += 8)
      if (bytes.readUInt32LE(at) === RECORD_MARKER) types.push(bytes.readUInt8(at + 12))
  }
  return types
}
