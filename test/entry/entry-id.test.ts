import { v5 } from 'uuid'
import { expect, test } from 'vitest'
import { idOfKey, newId } from '../../src/entry/entry-id.ts'

test('the id of a key is derived from namespace and key, for ever the same', () => {
  expect(idOfKey('acme', 'intro')).toBe('eadf5350-091c-5710-bac1-c5b1d40b18fb')
  expect(idOfKey('acme', 'intro')).not.toBe(idOfKey('acme2', 'intro'))
})

test('the id of a key is a UUIDv5, whatever the key', () => {
  for (let nth = 0; nth < 500; nth++) {
    const [namespace, key] = [`Größe/${nth}`, `\u{1f30a}${'#'.repeat(nth)}`]
    expect(idOfKey(namespace, key)).toBe(v5(`${namespace}\0${key}`, '5f0c1c4e-6f0a-5c53-9d0f-0d1a52a3b8f1'))
  }
})

test('a new id is a UUIDv7 of this time, and differs from every other', () => {
  const before = Date.now()
  const id = newId()
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const millis = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
  expect(millis).toBeGreaterThanOrEqual(before)
  expect(millis).toBeLessThan(before + 60_000)
})

test('new ids rise in the order in which they are made, and share no random bytes, however many are', () => {
  const ids = Array.from({ length: 2_000 }, newId)
  expect([...ids].sort()).toEqual(ids)
  expect(new Set(ids.map((id) => id.slice(-10))).size).toBe(ids.length)
})
