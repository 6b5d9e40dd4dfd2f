import { expect, it } from 'vitest'
import { encodeRecord } from '../../src/entry/codec.ts'
import { HotContent } from '../../src/hot/hot-content.ts'
import { chunkOf, vectorOf } from '../../src/testkit/contract/cold-records.ts'

const record = chunkOf('ns', 1, 1, {
  text: '\uFEFFtext',
  embedding: vectorOf(8, Math.random),
  metadata: '{"b":1,"a":2}',
})

it('is the same before and after it was decoded', () => {
  const payload = encodeRecord(record)
  const content = new HotContent(payload)
  expect([content.kind, content.payload]).toEqual(['chunk', payload])
  expect(content.record).toEqual(record)
  expect([content.kind, content.payload, content.byteLength]).toEqual(['chunk', payload, payload.byteLength])
})

it('is decoded once', () => {
  const content = new HotContent(encodeRecord(record))
  expect(content.record).toBe(content.record)
})

it('keeps no bytes of a payload that was decoded', () => {
  const payload = encodeRecord(record)
  const content = new HotContent(payload)
  const { embedding } = content.record
  payload.fill(0)
  expect(content.record).toEqual(record)
  expect(embedding).toEqual(record.embedding)
})
